import { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { bundle, entries } from '../bench/size/bundle.ts'

/**
 * Plain workerd, with no `nodejs_compat`. The pool that runs `test/workerd` puts Node's globals there,
 * so a stray `process` or `Buffer` would only show here.
 */
describe('the weighed Worker, in workerd without Node', () => {
  let miniflare: Miniflare

  beforeAll(async () => {
    const { code } = await bundle(entries.coreMemory)
    miniflare = new Miniflare({
      workers: [
        { name: 'cache', modules: true, script: code, compatibilityDate: '2026-07-01' },
        { name: 'old', modules: true, script: code, compatibilityDate: '2024-11-01' },
        {
          name: 'bare',
          modules: true,
          script: `export default { fetch: () => Response.json([typeof process, typeof Buffer]) }`,
          compatibilityDate: '2026-07-01',
        },
      ],
    })
    await miniflare.ready
  })

  afterAll(() => miniflare.dispose())

  async function send(path: string, { method = 'GET', worker = 'cache' } = {}): Promise<unknown> {
    const fetcher = await miniflare.getWorker(worker)
    const response = await fetcher.fetch(`http://cache.test${path}`, { method })
    expect(response.status).toBe(200)
    return response.json()
  }

  it.each(['core', 'coreMemory'] as const)('is only portable code of this project: %s', async (name) => {
    const { faults } = await bundle(entries[name])
    expect(faults).toEqual([])
  })

  it('has neither process nor Buffer', async () => {
    expect(await send('/', { worker: 'bare' })).toEqual(['undefined', 'undefined'])
  })

  it('runs the factory on a miss and not on a hit', async () => {
    const miss = await send('/shops/1')
    expect(miss).toEqual({ value: { path: '/shops/1', run: 1 }, runs: 1 })
    expect(await send('/shops/1')).toEqual(miss)
  })

  it('deletes by tag, each namespace its own', async () => {
    const menu = (await send('/menus/1')) as { value: { run: number }; runs: number }
    const shop = (await send('/shops/2')) as { value: { run: number }; runs: number }
    expect(await send('/menus/', { method: 'DELETE' })).toBe(true)
    expect(await send('/shops/2')).toEqual(shop)
    const run = shop.value.run + 1
    expect(await send('/menus/1')).toEqual({ value: { ...menu.value, run }, runs: run })
  })

  it('answers twenty concurrent requests for one cold key with one factory run', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send('/shops/burst')))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  })

  it('does the same under an older compatibility date', async () => {
    const miss = await send('/shops/1', { worker: 'old' })
    expect(await send('/shops/1', { worker: 'old' })).toEqual(miss)
  })
})
