import { scenes, type Scene, type SceneName } from '../scenes.ts'

/** The part of the Workers execution context the libraries need. */
export interface Context {
  waitUntil(promise: Promise<unknown>): void
}

export interface Lookup {
  readonly key: string
  readonly scene: Scene
  readonly sceneName: SceneName
  readonly ctx: Context
  /** Counts its runs and returns the number of this one. */
  readonly factory: () => Promise<number>
}

export interface Subject {
  lookup(lookup: Lookup): Promise<number | undefined>
  /** Whether `error` is the one the library documents for a passed deadline: an answer, not a fault. */
  isDeadline?(error: unknown): boolean
}

interface Count {
  started: number
  finished: number
}

// The only state that requests share, and plain data: an object bound to a request (a promise,
// a timer, a stream) kept here would add a fault of the harness to those of the libraries.
const counts = new Map<string, Count>()

function countOf(key: string): Count {
  const known = counts.get(key)
  if (known !== undefined) return known
  const fresh = { started: 0, finished: 0 }
  counts.set(key, fresh)
  return fresh
}

async function produce(key: string, scene: Scene): Promise<number> {
  const count = countOf(key)
  const run = ++count.started
  // A timer that outlives the scene, and not a bare pending promise: a request with nothing to
  // wait for is cancelled by the runtime at once, while an origin that is silent is real I/O.
  const silent = scene.firstRunSilent && run === 1
  await new Promise((resolve) => setTimeout(resolve, silent ? 600_000 : scene.work))
  count.finished++
  return run
}

/** The HTTP surface every library is put behind: `/get?scene=&key=` and `/count?key=`. */
export function harness(subject: Subject): {
  fetch(request: Request, env: unknown, ctx: Context): Promise<Response>
} {
  return {
    async fetch(request, _env, ctx) {
      const url = new URL(request.url)
      const key = url.searchParams.get('key') ?? ''
      if (url.pathname === '/count') return Response.json(countOf(key))
      const sceneName = url.searchParams.get('scene') as SceneName
      const scene = scenes[sceneName]
      const factory = () => produce(key, scene)
      try {
        const value = await subject.lookup({ key, scene, sceneName, ctx, factory })
        return Response.json({ value })
      } catch (error) {
        const status = subject.isDeadline?.(error) === true ? 504 : 500
        return Response.json({ error: String(error) }, { status })
      }
    },
  }
}
