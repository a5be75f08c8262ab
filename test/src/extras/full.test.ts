import { expect, test } from 'vitest'
import { memoryDriver } from '../../../drivers/memory.ts'
import { bentostore, FullBentoCache } from '../../../src/extras/full.ts'
import { manualClock, manualRuntime } from '../../support/clock.ts'

function stand() {
  const clock = manualClock()
  const main = bentostore({ ttl: '1m', grace: '1h', timeout: null }).useL1Layer(memoryDriver())
  const runtime = manualRuntime(clock, 'one', true)
  return { clock, bento: new FullBentoCache({ default: 'main', stores: { main }, runtime }) }
}

test('views take on the plugins of their cache, and add none', () => {
  const { bento } = stand()
  let view = bento
  for (let at = 0; at < 3; at++)
    view = view
      .bind({ waitUntil: () => {} })
      .use('main')
      .namespace('n')
  expect(view['options'].plugins).toEqual(bento['options'].plugins)
  expect(bento['options'].plugins).toHaveLength(1)
})

test('options of its own are those of a wrapped function, and of what is set for ever', async () => {
  const { bento } = stand()
  let calls = 0
  const failing = async (): Promise<string> => {
    calls++
    throw new Error('down')
  }
  const wrapped = bento.wrap(failing, { name: 'failing', errorTtl: '10s' })
  for (let at = 0; at < 2; at++) await expect(wrapped()).rejects.toMatchObject({ code: 'E_FACTORY_ERROR' })
  expect(calls).toBe(1)
  await bento.setForever({ key: 'k', value: 'v', jitter: '1m' })
  expect(await bento.remainingTtl({ key: 'k' })).toBe(Infinity)
})

test('in a batch, what one key keeps is no word about the others', async () => {
  const { bento, clock } = stand()
  const keys = ['kept', 'changed', 'left out']
  await bento.getOrSetMany({
    keys,
    factory: (asked, ctx) => asked.map((key) => ctx.of(key).modified(`first ${key}`, { etag: '"1"' })),
  })
  await clock.advance(61_000)
  const second = await clock.run(
    bento.getOrSetMany<string>({
      keys,
      factory: (_, ctx) => {
        ctx.of('left out').notModified()
        const values = new Map<string, string>([['changed', 'second changed']])
        const kept = ctx.of('kept').notModified()
        return kept === undefined ? values : new Map()
      },
    }),
  )
  expect(second).toEqual(['first kept', 'second changed', 'first left out'])
  expect(await bento.getEntry({ key: 'kept' })).toMatchObject({ stale: false, etag: '"1"' })
})

test('in a batch, nothing can be kept where nothing is', async () => {
  const { bento } = stand()
  const asked = bento.getOrSetMany({ keys: ['a'], factory: (_, ctx) => [ctx.of('a').notModified()] })
  await expect(asked).rejects.toMatchObject({
    cause: { code: 'E_FACTORY_ERROR', cause: { code: 'E_NOTHING_TO_KEEP' } },
  })
})

test('in a batch, the context of a key has its signal', async () => {
  const { bento } = stand()
  const asked = bento.getOrSetMany({
    keys: ['a'],
    factory: (_, ctx) => [ctx.signal === ctx.of('a').signal && !ctx.signal.aborted],
  })
  expect(await asked).toEqual([true])
})
