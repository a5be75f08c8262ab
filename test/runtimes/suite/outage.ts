import {
  BentoCache,
  type BentoStore,
  bentostore,
  type L2CacheError,
  type Step,
  type StoreOptions,
} from 'ekiben'
import { durableObjectHttpDriver } from 'ekiben/drivers/durable-object-http'
import { memoryDriver } from 'ekiben/drivers/memory'
import { upstashDriver } from 'ekiben/drivers/upstash'
import { equal, holds } from '../../conformance/check.ts'
import type { Place, RuntimeCase, World } from '../world.ts'
import { failureOf, pause, tellControl, until } from './kit.ts'

/** What goes wrong on the way to a Redis over HTTP, by what {@link tellControl} takes. */
const FAULTS: Readonly<Record<string, object>> = {
  'a server that never answers': { kind: 'hang' },
  'a server that resets the connection': { kind: 'refuse' },
  'a server that answers 500': { kind: 'error' },
  'a server that answers 429': { kind: 'rate-limit', seconds: 1 },
  'a body that is cut off': { kind: 'truncate' },
  'a body that never comes': { kind: 'stall' },
  'a page of HTML': { kind: 'html', status: 200 },
  'JSON that is no answer': { kind: 'shape', body: '{"result":{}}' },
  'a connection that ends before the answer': { kind: 'drop-after' },
}

/** Addresses where nothing good is. */
const NOWHERE: Readonly<Record<string, (world: World) => string>> = {
  'nobody who listens': ({ servers }) => servers.closed,
  'a name that leads nowhere': () => 'https://nowhere.invalid',
}

interface Made {
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly steps: readonly Step[]
}

function over(place: Place, url: string, options: StoreOptions = {}): Made {
  const main = bentostore({ prefix: place.id, l2Timeout: 150, ...options })
    .useL1Layer(memoryDriver())
    .useL2Layer(upstashDriver({ url, token: place.world.servers.token }))
  const bento = new BentoCache({ default: 'main', stores: { main } })
  const steps: Step[] = []
  bento.onTrace((step) => void steps.push(step))
  return { bento, steps }
}

/** An outage of L2 is a miss, a step in the trace, and nothing else. */
export function outageCases(): RuntimeCase[] {
  return [
    ...Object.entries(FAULTS).flatMap(([what, fault]) => faultCases(what, fault)),
    ...Object.entries(NOWHERE).flatMap(([what, url]) => nowhereCases(what, url)),
    ...courseCases(),
  ]
}

function faultCases(what: string, fault: object): RuntimeCase[] {
  return [
    {
      name: `outage: ${what} is no error of the caller`,
      run: async (place) => {
        await tellControl(place.world, place.id, fault)
        await survives(over(place, place.world.servers.faulty))
      },
    },
    {
      name: `outage: ${what} is a typed error for who asked for it`,
      run: async (place) => {
        await tellControl(place.world, place.id, fault)
        await rejects(over(place, place.world.servers.faulty, { suppressL2Errors: false }))
      },
    },
    {
      name: `outage: after ${what} the store is used again`,
      run: async (place) => {
        await tellControl(place.world, place.id, fault)
        const { faulty } = place.world.servers
        const { bento } = over(place, faulty, { l2CircuitBreakerDuration: null, awaitWrites: true })
        await bento.getOrSet({ key: 'before', factory: () => 'made' })
        await tellControl(place.world, place.id)
        // What was not acknowledged is followed up: a write of before must not end this one.
        await until('another isolate finds what is written', async () => {
          await bento.set({ key: 'k', value: 'kept' })
          return (await over(place, faulty).bento.get({ key: 'k' })) === 'kept'
        })
        await bento.flush()
      },
    },
  ]
}

function nowhereCases(what: string, url: (world: World) => string): RuntimeCase[] {
  return [
    {
      name: `outage: ${what} is no error of the caller`,
      run: (place) => survives(over(place, url(place.world))),
    },
    {
      name: `outage: ${what} is a typed error for who asked for it`,
      run: (place) => rejects(over(place, url(place.world), { suppressL2Errors: false })),
    },
    {
      name: `outage: for an object, ${what} is no error of the caller`,
      run: async (place) => {
        const l2 = durableObjectHttpDriver({ url: url(place.world), token: place.world.servers.secret })
        const main = bentostore({ prefix: place.id, l2Timeout: 150 })
          .useL1Layer(memoryDriver())
          .useL2Layer(l2)
        const bento = new BentoCache({ default: 'main', stores: { main } })
        const steps: Step[] = []
        bento.onTrace((step) => void steps.push(step))
        await survives({ bento, steps })
      },
    },
  ]
}

/** Every operation answers as a cache without L2 would, soon, and says so. */
async function survives({ bento, steps }: Made): Promise<void> {
  const start = performance.now()
  equal(await bento.getOrSet({ key: 'k', factory: () => 'made' }), 'made', 'getOrSet')
  equal(await bento.getOrSet({ key: 'k', factory: () => 'again' }), 'made', 'getOrSet from memory')
  equal(await bento.get({ key: 'other' }), undefined, 'get')
  equal(await bento.set({ key: 's', value: 1 }), false, 'set, which was not acknowledged')
  equal(await bento.get({ key: 's' }), 1, 'what was set, in this isolate')
  equal(await bento.delete({ key: 's' }), false, 'delete, which was not acknowledged')
  equal(await bento.get({ key: 's' }), undefined, 'what was deleted, in this isolate')
  equal(await bento.pull('k'), undefined, 'pull, which gives nothing without the store')
  await bento.clear()
  const waited = performance.now() - start
  // Eight calls of 150 ms at most, on a machine with other things to do.
  holds(waited < 15_000, `all of it took ${waited} ms`)
  holds(
    steps.some(({ type }) => type === 'l2.error'),
    'the trace must tell of it',
  )
  await bento.disconnectAll()
}

async function rejects({ bento }: Made): Promise<void> {
  const error = await failureOf(bento.get({ key: 'k' }))
  equal(error.code, 'E_L2_CACHE_ERROR', 'code')
  const { code, message = '' } = (error as L2CacheError).cause as { code?: string; message?: string }
  holds(code === 'E_STORE' || code === 'E_L2_TIMEOUT', `code of the cause: ${code}`)
  holds(!message.includes('token'), 'a message must hold no token')
}

function courseCases(): RuntimeCase[] {
  return [
    {
      name: 'outage: after five failures the store is left alone, and callers wait no more',
      run: async (place) => {
        await tellControl(place.world, place.id, { kind: 'hang' })
        const { bento, steps } = over(place, place.world.servers.faulty, { l2Timeout: 50 })
        for (let n = 0; n < 6; n++) await bento.get({ key: `k${n}` })
        holds(
          steps.some((step) => step.type === 'breaker' && step.state === 'open'),
          'the breaker must open',
        )
        const { cause } = await failureOf(bento.get({ key: 'next', suppressL2Errors: false }))
        equal((cause as { code?: string }).code, 'E_L2_UNAVAILABLE', 'code of the cause')
      },
    },
    {
      name: 'outage: a graced value is given while the store is away, where that is asked for',
      run: async (place) => {
        const { faulty } = place.world.servers
        const { bento } = over(place, faulty, { grace: '1h', maxStaleness: 20, onOutage: 'stale' })
        await bento.set({ key: 'k', value: 'old' })
        await tellControl(place.world, place.id, { kind: 'hang' })
        await pause(40)
        const factory = async (): Promise<string> => (await pause(1000), 'new')
        equal(await bento.getOrSet({ key: 'k', factory }), 'old', 'the answer')
        await bento.disconnectAll()
      },
    },
    {
      name: 'outage: memory that nobody vouches for is not given otherwise',
      run: async (place) => {
        const { faulty } = place.world.servers
        const { bento } = over(place, faulty, { maxStaleness: 20 })
        await bento.set({ key: 'k', value: 'old' })
        await tellControl(place.world, place.id, { kind: 'error' })
        await pause(40)
        equal(await bento.getOrSet({ key: 'k', factory: () => 'new' }), 'new', 'the answer')
        await bento.disconnectAll()
      },
    },
    {
      name: 'outage: a delete that was not acknowledged is repeated until it is',
      run: async (place) => {
        const { faulty } = place.world.servers
        const one = over(place, faulty, { l2CircuitBreakerDuration: null, awaitWrites: true })
        await one.bento.set({ key: 'k', value: 'old' })
        await tellControl(place.world, place.id, { kind: 'refuse' })
        equal(await one.bento.delete({ key: 'k' }), false, 'delete')
        await tellControl(place.world, place.id)
        await until('another isolate finds it gone', async () => {
          return (await over(place, faulty).bento.get({ key: 'k' })) === undefined
        })
        await one.bento.disconnectAll()
      },
    },
    {
      name: 'outage: 20 callers at once run one factory although the store is away',
      run: async (place) => {
        const { bento } = over(place, place.world.servers.closed)
        let runs = 0
        const factory = async (): Promise<number> => (await pause(30), ++runs)
        const asked = Array.from({ length: 20 }, () => bento.getOrSet({ key: 'k', factory }))
        equal([await Promise.all(asked), runs], [Array.from({ length: 20 }, () => 1), 1], 'answers and runs')
        await bento.disconnectAll()
      },
    },
    {
      name: 'outage: an address that is not safe to send a token to is refused at once',
      run: async (place) => {
        for (const url of ['http://cache.example.com', 'https://user:pass@cache.example.com', 'no url']) {
          const made = Promise.resolve().then(() => over(place, url))
          equal((await failureOf(made)).code, 'E_INVALID_OPTION', 'code')
        }
      },
    },
  ]
}
