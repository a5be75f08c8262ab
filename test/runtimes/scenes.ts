/** What happens in requests of their own. Caches stand at module scope, as they do in applications. */
import { BentoCache, type BentoStore, bentostore } from 'ekiben'
import { memoryDriver } from 'ekiben/drivers/memory'
import { upstashBusDriver, upstashDriver } from 'ekiben/drivers/upstash'
import { PATIENT, pause } from './suite/kit.ts'

/** One `getOrSet` of a cache that is kept from request to request. */
export interface AskScene {
  /** Which cache: the prefix of its store. */
  readonly id: string
  readonly url: string
  readonly token: string
  readonly value: string
  /** Milliseconds the factory takes. */
  readonly takes?: number
  readonly ttl?: number
}

/** What came of it. */
export interface Asked {
  readonly value: string
  /** Runs of factories so far. */
  readonly runs: number
  /** Whether the cache listens to others. */
  readonly listens: boolean
}

interface Room {
  readonly bento: BentoCache<{ main: BentoStore }>
  runs: number
  pushes: number
}

const rooms = new Map<string, Room>()

function roomOf({ id, url, token }: AskScene): Room {
  const present = rooms.get(id)
  if (present) return present
  const store = bentostore({ prefix: id, grace: '1h', l2Timeout: PATIENT })
    .useL1Layer(memoryDriver())
    .useL2Layer(upstashDriver({ url, token }))
    .useBus(upstashBusDriver({ url, token }))
  const room: Room = {
    bento: new BentoCache({ default: 'main', stores: { main: store } }),
    runs: 0,
    pushes: 0,
  }
  room.bento.onTrace(({ type }) => void (room.pushes += type === 'push' ? 1 : 0))
  rooms.set(id, room)
  return room
}

async function ask(scene: AskScene): Promise<Asked> {
  const room = roomOf(scene)
  const value = await room.bento.getOrSet({
    key: 'k',
    ...(scene.ttl !== undefined && { ttl: scene.ttl }),
    factory: async () => {
      room.runs++
      await pause(scene.takes ?? 0)
      return scene.value
    },
  })
  return { value, runs: room.runs, listens: room.pushes > 0 }
}

async function asMany(scene: AskScene & { readonly count: number }): Promise<Asked[]> {
  return Promise.all(Array.from({ length: scene.count }, () => ask(scene)))
}

const scenes: Readonly<Record<string, (input: never) => Promise<unknown>>> = { ask, 'ask-many': asMany }

/** @throws if there is no such scene. */
export async function play(name: string, input: unknown): Promise<unknown> {
  const scene = scenes[name]
  if (!scene) throw new Error(`there is no scene ${name}`)
  return scene(input as never)
}
