// README, "Options": `waitUntil` is "useful for serverless environments such as Cloudflare
// Workers". README, "Stale while revalidate": the cache is a `Map`. No option bounds the time of
// `getFreshValue`, so there is no deadline to set.
import { cachified, type CacheEntry } from '@epic-web/cachified'
import { harness } from './harness.ts'

const cache = new Map<string, CacheEntry>()

export default harness({
  lookup({ key, scene, factory, ctx }) {
    return cachified<number>({
      key,
      cache,
      ttl: scene.fresh,
      staleWhileRevalidate: scene.stale,
      waitUntil: (promise) => ctx.waitUntil(promise),
      getFreshValue: () => factory(),
    })
  },
})
