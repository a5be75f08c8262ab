// unkey.com/docs/libraries/ts/cache/overview. "Memory": on Workers the `Map` is instantiated in
// the global scope. "Context": on Workers the context comes from the `fetch` handler, so the
// namespace is made for each request. No option bounds the time of the origin.
import { createCache, Namespace } from '@unkey/cache'
import { MemoryStore } from '@unkey/cache/stores'
import { harness } from './harness.ts'

const memory = new MemoryStore<string, number>({ persistentMap: new Map() })

export default harness({
  async lookup({ key, scene, factory, ctx }) {
    const cache = createCache({
      run: new Namespace<number>(ctx, {
        stores: [memory],
        fresh: scene.fresh,
        // Both times run from the write.
        stale: scene.fresh + scene.stale,
      }),
    })
    const result = await cache.run.swr(key, () => factory())
    // Errors are values in this library.
    if (result.err !== undefined) throw result.err
    return result.val
  },
})
