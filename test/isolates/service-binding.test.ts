import { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleWorker } from '../../examples/support/bundle-worker.ts'

const SECRET = 'a-secret-of-two-workers'

describe('a Worker without a Durable Object', () => {
  let miniflare: Miniflare

  beforeAll(async () => {
    const plain = { modules: true, compatibilityDate: '2026-07-01', compatibilityFlags: [] }
    const [service, remote] = await Promise.all(
      ['service', 'remote'].map((name) => bundleWorker(`test/workerd/${name}.ts`)),
    )
    miniflare = new Miniflare({
      workers: [
        ...['one', 'two', 'stranger'].map((name) => ({
          ...plain,
          name,
          script: service ?? '',
          bindings: { NAME: name, EKIBEN_SECRET: name === 'stranger' ? 'guessed' : SECRET },
          serviceBindings: { COORDINATOR_SERVICE: 'remote' },
        })),
        {
          ...plain,
          name: 'remote',
          script: remote ?? '',
          durableObjects: { COORDINATOR: { className: 'Coordinator', useSQLite: true } },
          bindings: { EKIBEN_SECRET: SECRET },
        },
      ],
    })
    await miniflare.ready
  })

  afterAll(() => miniflare.dispose())

  async function ask(worker: string, method = 'GET'): Promise<unknown> {
    const fetcher = await miniflare.getWorker(worker)
    const response = await fetcher.fetch('http://app.test/', { method })
    expect(response.status).toBe(200)
    return response.json()
  }

  it('shares that of another through a service binding, and what is invalidated there', async () => {
    expect(await ask('one')).toBe('one 1')
    expect(await ask('two')).toBe('one 1')
    expect(await ask('two', 'DELETE')).toBe(true)
    expect(await ask('one')).toBe('one 2')
    expect(await ask('two')).toBe('one 2')
  })

  it('gets nothing of it without the secret, and answers all the same', async () => {
    expect(await ask('stranger')).toBe('stranger 1')
    expect(await ask('stranger', 'DELETE')).toBe(false)
    expect(await ask('one')).toBe('one 2')
  })
})
