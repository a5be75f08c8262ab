import {
  busCases,
  driverCases,
  type ConformanceCase,
  type OpenedBus,
  type OpenedStore,
} from 'ekiben/conformance'
import { durableObjectHttpBusDriver, durableObjectHttpDriver } from 'ekiben/drivers/durable-object-http'
import { memoryDriver } from 'ekiben/drivers/memory'
import { upstashBusDriver, upstashDriver } from 'ekiben/drivers/upstash'
import type { BusDriver, CacheDriver, Coordination, Subscriber } from 'ekiben'
import { equal } from '../../conformance/check.ts'
import type { Place, RuntimeCase } from '../world.ts'
import { emptyDatabase, onceOnly, pause, redisOptions } from './kit.ts'

/** What the samples are made of. Nothing is asked of them. */
const NOWHERE = { url: 'http://localhost', token: 'none' }

/** The published cases for drivers and buses, over memory and over HTTP. */
export function conformanceCases(): RuntimeCase[] {
  return [
    ...named('memory', driverCases(memoryDriver().factory({})), openMemory),
    ...named('redis', ofDrivers(upstashDriver(NOWHERE).factory({})), openRedis),
    ...named('redis bus', ofBuses(upstashBusDriver(NOWHERE).factory({})), openRedisBus),
    ...named('object', ofDrivers(durableObjectHttpDriver(NOWHERE).factory({})), openObject),
    ...named('object bus', ofBuses(durableObjectHttpBusDriver(NOWHERE).factory({})), openObjectBus),
  ]
}

/** Make a thousand calls, one after the other: an eighth of the time of all cases, for nothing that differs by runtime. */
const ENDLESS = [
  'clear: takes all keys, however odd or many, and can be repeated',
  'deleteMany: takes a thousand keys',
]

/** All that is asked of a driver but what is better asked once, which `npm run conformance` does. */
function ofDrivers(driver: CacheDriver): ConformanceCase<OpenedStore>[] {
  const cases = driverCases(driver)
  const some = cases.filter(({ name }) => !ENDLESS.includes(name))
  if (cases.length - some.length !== ENDLESS.length)
    throw new Error('a case that is left out has another name')
  return some
}

/** What buses do beyond the drivers of the same stores: those are asked the rest, over the same calls. */
function ofBuses(bus: BusDriver): ConformanceCase<OpenedBus>[] {
  return busCases(bus).filter(({ name }) => /^(?:bus|subscribe):/.test(name))
}

function named<Opened>(
  of: string,
  cases: readonly ConformanceCase<Opened>[],
  open: (place: Place) => Opened | Promise<Opened>,
): RuntimeCase[] {
  return cases.map(({ name, run }) => ({
    name: `${of} conforms: ${name}`,
    run: async (place) => {
      if (of.startsWith('object') && name.startsWith('subscribe') && !('WebSocket' in globalThis))
        await refusesToSubscribe(place)
      else await run(() => open(place))
    },
  }))
}

/** What stands for news at once where there is no WebSocket: the option that brings one is named. */
async function refusesToSubscribe(place: Place): Promise<void> {
  const store = await openObject(place)
  const { subscribe } = store.connect('').coordination as Coordination
  const error = await new Promise((resolve, reject) => {
    const subscriber: Subscriber = {
      onOpen: () => reject(new Error('it opened, without a WebSocket')),
      onAlive: () => {},
      onPush: () => {},
      onEnd: resolve,
    }
    subscribe?.(subscriber)
  })
  const { code, option } = error as { code?: string; option?: string }
  equal([code, option], ['E_INVALID_OPTION', 'webSocket'], 'code and option of the refusal')
}

function openMemory(): OpenedStore {
  const root = memoryDriver({ maxItems: 10_000 }).factory({ prefix: '' })
  return { connect: (prefix) => (prefix === '' ? root : root.namespace(prefix)), pass: pause }
}

async function openRedis(place: Place): Promise<OpenedStore> {
  await emptyDatabase(place)
  return {
    connect: (prefix) => upstashDriver({ ...redisOptions(place), fetch: onceOnly }).factory({ prefix }),
    pass: pause,
  }
}

async function openRedisBus(place: Place): Promise<OpenedBus> {
  await emptyDatabase(place)
  // Databases share their channels, which are named by the prefix.
  const options = { ...redisOptions(place), prefix: place.id, fetch: onceOnly }
  return { connect: () => upstashBusDriver(options).factory({}), pass: pause }
}

let objects = 0

/** An object of its own, as there is room for any number. */
function nextObject({ world, id }: Place): { url: string; token: string; name: string } {
  const { coordinator, secret } = world.servers
  return { url: coordinator, token: secret, name: `${id}-${++objects}` }
}

async function openObject(place: Place): Promise<OpenedStore> {
  const options = nextObject(place)
  const pass = await stopClock(options)
  return { connect: (prefix) => durableObjectHttpDriver(options).factory({ prefix }), pass }
}

async function openObjectBus(place: Place): Promise<OpenedBus> {
  const options = nextObject(place)
  const pass = await stopClock(options)
  return { connect: () => durableObjectHttpBusDriver(options).factory({}), pass }
}

/** Stops the clock of an object, and gives what moves it on. */
async function stopClock({
  url,
  name,
}: ReturnType<typeof nextObject>): Promise<(ms: number) => Promise<void>> {
  const pass = async (ms: number): Promise<void> => {
    const response = await fetch(`${url}/clock/${encodeURIComponent(name)}`, {
      method: 'POST',
      body: String(ms),
    })
    if (!response.ok) throw new Error(`the clock was not moved: ${response.status}`)
    await response.text()
  }
  await pass(0)
  return pass
}
