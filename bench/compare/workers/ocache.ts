// ocache.unjs.io, "Caching Functions". "Background work": a cached function is told of the host's
// `waitUntil`. "Resolution deadline": `maxResolveTime` is for a resolver that never settles.
import { waitUntil } from 'cloudflare:workers'
import { defineCachedFunction } from 'ocache'
import { scenes, type SceneName } from '../scenes.ts'
import { harness, type Lookup } from './harness.ts'

// Deduplication lives in the cached function, so each is defined once, in the global scope, and
// takes the `waitUntil` that can be imported there.
function cachedFor(sceneName: SceneName): (lookup: Lookup) => Promise<number> {
  const scene = scenes[sceneName]
  return defineCachedFunction((lookup: Lookup) => lookup.factory(), {
    name: sceneName,
    getKey: (lookup: Lookup) => lookup.key,
    maxAge: scene.fresh / 1000,
    swr: true,
    staleMaxAge: scene.stale / 1000,
    ...(scene.deadline > 0 ? { maxResolveTime: scene.deadline / 1000 } : {}),
    waitUntil: (promise) => waitUntil(promise),
  })
}

const cached = {
  burst: cachedFor('burst'),
  cancelled: cachedFor('cancelled'),
  silent: cachedFor('silent'),
  stale: cachedFor('stale'),
}

export default harness({
  lookup: (lookup) => cached[lookup.sceneName](lookup),
  isDeadline: (error) => error instanceof Error && error.name === 'TimeoutError',
})
