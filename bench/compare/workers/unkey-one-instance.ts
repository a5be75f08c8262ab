// As `unkey.ts`, but with one namespace for the isolate, since requests are deduplicated by the
// namespace object. The context is then the importable `waitUntil`, which serves whichever request
// is running.
import { waitUntil } from 'cloudflare:workers'
import { createCache, Namespace } from '@unkey/cache'
import { MemoryStore } from '@unkey/cache/stores'
import { scenes } from '../scenes.ts'
import { harness } from './harness.ts'

const memory = new MemoryStore<string, number>({ persistentMap: new Map() })

// Lifetimes belong to the namespace, so the scene with short ones has its own.
const cache = createCache({
  long: namespaceFor(scenes.burst),
  short: namespaceFor(scenes.stale),
})

function namespaceFor(scene: { fresh: number; stale: number }): Namespace<number> {
  return new Namespace<number>(
    { waitUntil: (promise) => waitUntil(promise) },
    { stores: [memory], fresh: scene.fresh, stale: scene.fresh + scene.stale },
  )
}

export default harness({
  async lookup({ key, sceneName, factory }) {
    const namespace = sceneName === 'stale' ? cache.short : cache.long
    const result = await namespace.swr(key, () => factory())
    if (result.err !== undefined) throw result.err
    return result.val
  },
})
