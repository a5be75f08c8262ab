/**
 * Routes that stage trouble: a slow factory, one that never settles, and work that no cache protects.
 * The driver in `examples/demo` names a fresh key for each scene, so no scene sees another's entries.
 */
import type { Scene, Uncached } from './answers.ts'
import { throughCache, type Served } from './cache.ts'
import { countRun, largestCities } from './cities.ts'

/** How many runs of `/uncached` began, and how many came to their end. */
const alone = { begun: 0, finished: 0 }

/** `/scene?key=&delay=&ttl=&hardTimeout=&never=1`: durations in milliseconds; `never`: the first run never settles. */
export function scene(db: D1Database, parameters: URLSearchParams): Promise<Served<Scene>> {
  const key = `scene:${parameters.get('key') ?? 'nameless'}`
  return throughCache({
    key,
    ttl: duration(parameters, 'ttl') ?? '1m',
    hardTimeout: duration(parameters, 'hardTimeout'),
    run: async () => {
      const run = await countRun(db, key)
      if (parameters.has('never') && run === 1) await new Promise<never>(() => {})
      await sleep(duration(parameters, 'delay') ?? 0)
      return { run, cities: await largestCities(db, 'IS') }
    },
    tags: () => ['country:IS'],
  })
}

/**
 * The control of the scene with the reset connection: the same slow work without a cache.
 * Its end must never come, or the reset did not cancel the request and the scene proves nothing.
 */
export async function uncached(db: D1Database, parameters: URLSearchParams): Promise<Uncached> {
  if (parameters.has('delay')) {
    alone.begun += 1
    await sleep(duration(parameters, 'delay') ?? 0)
    await largestCities(db, 'IS')
    alone.finished += 1
  }
  return alone
}

function duration(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name)
  return text === null ? undefined : Number(text)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
