import { BentoCache, type BentoStore, bentostore, type Step } from 'ekiben'
import { durableObjectHttpBusDriver, durableObjectHttpDriver } from 'ekiben/drivers/durable-object-http'
import { memoryDriver } from 'ekiben/drivers/memory'
import { upstashBusDriver, upstashDriver } from 'ekiben/drivers/upstash'
import { equal, holds } from '../../conformance/check.ts'
import type { Place, RuntimeCase } from '../world.ts'
import { PATIENT, pause, redisOptions, until } from './kit.ts'

interface Made {
  readonly bento: BentoCache<{ main: BentoStore }>
  readonly steps: readonly Step[]
}

/** One that asks for no news by itself: what it hears it was told. */
const SILENT = { pollInterval: '1h', maxStaleness: '2h', awaitWrites: true, l2Timeout: PATIENT } as const

function withRedis(place: Place): Made {
  const options = redisOptions(place)
  return made(
    bentostore({ prefix: place.id, ...SILENT })
      .useL2Layer(upstashDriver(options))
      .useBus(upstashBusDriver(options)),
  )
}

function withObject(place: Place): Made {
  const { coordinator, secret } = place.world.servers
  const options = { url: coordinator, token: secret, name: place.id }
  return made(
    bentostore({ prefix: place.id, ...SILENT })
      .useL2Layer(durableObjectHttpDriver(options))
      .useBus(durableObjectHttpBusDriver(options)),
  )
}

function made(store: BentoStore): Made {
  const bento = new BentoCache({ default: 'main', stores: { main: store.useL1Layer(memoryDriver()) } })
  const steps: Step[] = []
  bento.onTrace((step) => void steps.push(step))
  return { bento, steps }
}

/** That others' changes are told at once, to whoever outlives requests. */
export function pushCases(): RuntimeCase[] {
  return [
    ...casesOf('event stream', withRedis, () => true),
    // Without WebSocket the subscription is refused, and the next poll brings the news.
    ...casesOf('socket', withObject, () => 'WebSocket' in globalThis),
  ]
}

function casesOf(of: string, make: (place: Place) => Made, canListen: () => boolean): RuntimeCase[] {
  const told = (name: string, change: (bento: Made['bento']) => Promise<unknown>): RuntimeCase => ({
    name: `push by ${of}: ${name}`,
    run: async (place) => {
      const [one, other] = [make(place), make(place)]
      try {
        await one.bento.set({ key: 'k', value: 'old', tags: ['t'] })
        equal(await other.bento.get({ key: 'k' }), 'old', 'before')
        // In a Worker there is always a request, which can hold no connection.
        if (place.world.adapter === 'cloudflare' || !canListen()) return await staysSilent(other, change, one)
        await until('it listens', () => isOpen(other))
        await change(one.bento)
        await until('it was told', async () => (await other.bento.get({ key: 'k' })) !== 'old', 5000)
      } finally {
        await one.bento.disconnectAll()
        await other.bento.disconnectAll()
      }
    },
  })
  return [
    told('a delete is told at once', (bento) => bento.delete({ key: 'k' })),
    told('a dropped tag is told at once', (bento) => bento.deleteByTag({ tags: ['t'] })),
    told('a new value is told at once', (bento) => bento.set({ key: 'k', value: 'new' })),
    told('a clear is told at once', (bento) => bento.clear()),
    {
      name: `push by ${of}: what disconnects is told nothing more, and leaves nothing open`,
      run: async (place) => {
        const { bento, steps } = make(place)
        await bento.set({ key: 'k', value: 1 })
        await pause(50)
        await bento.disconnectAll()
        const before = steps.length
        await pause(50)
        const states = steps.slice(before).filter(({ type }) => type === 'push')
        equal(states, [], 'what was told of the connection')
      },
    },
  ]
}

function isOpen({ steps }: Made): boolean {
  return steps.some((step) => step.type === 'push' && step.state === 'open')
}

/** Nothing is told where nothing can listen; why, stands in the trace if that was tried. */
async function staysSilent(
  other: Made,
  change: (bento: Made['bento']) => Promise<unknown>,
  one: Made,
): Promise<void> {
  await change(one.bento)
  await pause(100)
  equal(
    [isOpen(other), await other.bento.get({ key: 'k' })],
    [false, 'old'],
    'whether it listens, and the value',
  )
  for (const step of other.steps) {
    if (step.type !== 'push') continue
    const { code, option } = (step.error ?? {}) as { code?: string; option?: string }
    equal([code, option], ['E_INVALID_OPTION', 'webSocket'], 'why it does not listen')
  }
  holds(one.steps.length > 0, 'the other must have worked')
}
