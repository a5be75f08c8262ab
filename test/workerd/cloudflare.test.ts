import {
  createExecutionContext,
  createScheduledController,
  runInDurableObject,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { env, withEnv } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { BentoCache, bentostore, scheduledHandler } from '../../adapters/cloudflare.ts'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import { durableObjectDriver } from '../../drivers/durable-object.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { L2CacheError } from '../../src/errors.ts'

/** What the runtime does when a trigger is due. */
async function trigger(handler: (schedule: ScheduledController) => Promise<void>): Promise<void> {
  const context = createExecutionContext()
  await handler(createScheduledController({ cron: '*/5 * * * *', scheduledTime: new Date(1_000_000) }))
  await waitOnExecutionContext(context)
}

function open(stores: Record<string, string>) {
  return new BentoCache({
    default: Object.keys(stores)[0] ?? '',
    stores: Object.fromEntries(
      Object.entries(stores).map(([name, object]) => [
        name,
        bentostore({ ttl: '1m', grace: '1h' }).useL2Layer(
          durableObjectDriver({ binding: () => env.COORDINATOR, name: object }),
        ),
      ]),
    ),
  })
}

function rowsOf(object: string): Promise<number> {
  const stub = env.COORDINATOR.getByName(object)
  return runInDurableObject(
    stub,
    (_, { storage }) => storage.sql.exec('SELECT * FROM entries').toArray().length,
  )
}

describe('the scheduled handler', () => {
  test('drops what has expired from every store, and nothing else', async () => {
    const bento = open({ a: 'scheduled a', b: 'scheduled b' })
    for (const name of ['a', 'b'] as const) {
      await bento.use(name).set({ key: 'over', value: 1, ttl: 1, grace: false })
      await bento.use(name).set({ key: 'kept', value: 1 })
    }
    expect([await rowsOf('scheduled a'), await rowsOf('scheduled b')]).toEqual([2, 2])
    await vi.waitFor(async () => {
      await trigger(scheduledHandler(bento))
      expect([await rowsOf('scheduled a'), await rowsOf('scheduled b')]).toEqual([1, 1])
    })
    expect(await bento.get({ key: 'kept' })).toBe(1)
  })

  test('makes values before anybody asks, and is told of the trigger', async () => {
    const bento = open({ main: 'scheduled warm' })
    const warm = vi.fn(() => bento.getOrSet({ key: 'rates', factory: () => 'made early' }))
    await trigger(scheduledHandler(bento, { warm }))
    expect(warm).toHaveBeenCalledWith(
      expect.objectContaining({ cron: '*/5 * * * *', scheduledTime: 1_000_000 }),
    )
    expect(await bento.getOrSet({ key: 'rates', factory: () => expect.fail('asked again') })).toBe(
      'made early',
    )
  })

  test('prunes although warming fails, and then fails with all that failed', async () => {
    const bento = open({ main: 'scheduled failing' })
    await bento.set({ key: 'over', value: 1, ttl: 1, grace: false })
    const failure = new Error('origin is down')
    const handler = scheduledHandler(bento, {
      warm: () => {
        throw failure
      },
    })
    await vi.waitFor(async () => {
      await expect(trigger(handler)).rejects.toMatchObject({ name: 'AggregateError', errors: [failure] })
      expect(await rowsOf('scheduled failing')).toBe(0)
    })
  })

  test('leaves pruning out where that is wanted, and stores that need none alone', async () => {
    const bento = open({ main: 'scheduled off' })
    await bento.set({ key: 'over', value: 1, ttl: 1, grace: false })
    await trigger(scheduledHandler(bento, { prune: false }))
    expect(await rowsOf('scheduled off')).toBe(1)
    const memory = bentostore().useL1Layer(memoryDriver())
    await trigger(scheduledHandler(new BentoCache({ default: 'm', stores: { m: memory } })))
  })
})

describe('bindings', () => {
  test('are looked up at each call: inside of withEnv they are those given to it', async () => {
    const outside = env.COORDINATOR
    const COORDINATOR = {
      idFromName: (name: string) => outside.idFromName(`other ${name}`),
      get: (id: DurableObjectId) => outside.get(id),
    }
    const bento = open({ main: 'with env' })
    await bento.set({ key: 'k', value: 'outside' })
    await withEnv({ ...env, COORDINATOR }, async () => {
      expect(await bento.get({ key: 'k' })).toBeUndefined()
      expect(await bento.set({ key: 'k', value: 'inside' })).toBe(true)
      expect(await bento.get({ key: 'k' })).toBe('inside')
    })
    expect(await bento.get({ key: 'k' })).toBe('outside')
  })

  test('that are missing are named, whichever driver wants them', async () => {
    const cache = (l2: Parameters<ReturnType<typeof bentostore>['useL2Layer']>[0]): BentoCache =>
      new BentoCache({ default: 'main', stores: { main: bentostore().useL2Layer(l2) } })
    const drivers = {
      COORDINATOR: durableObjectDriver({ binding: () => env.COORDINATOR }),
      KV: cloudflareKvDriver({ binding: () => env.KV }),
    }
    for (const driver of Object.values(drivers)) {
      const failing = withEnv({}, () => cache(driver).get({ key: 'k' }))
      await expect(failing).rejects.toMatchObject({ code: 'E_MISSING_BINDING' })
      await expect(failing).rejects.not.toBeInstanceOf(L2CacheError)
    }
  })
})
