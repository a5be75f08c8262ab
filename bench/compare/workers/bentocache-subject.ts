import { BentoCache, bentostore, errors } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import type { Subject } from './harness.ts'

/**
 * Set up as bentocache.dev/docs/cache-drivers ("Memory") and /docs/grace-periods show. The
 * documentation has no page on Workers and no way to pass `waitUntil`. It needs `nodejs_compat`:
 * it imports events, util, crypto and diagnostics_channel.
 */
export function bentocacheSubject(options: { lockTimeout?: string }): Subject {
  const bento = new BentoCache({
    default: 'memory',
    ...options,
    stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 1000 })) },
  })
  return {
    lookup({ key, scene, factory }) {
      return bento.getOrSet({
        key,
        ttl: scene.fresh,
        // A grace period runs from the creation of the entry, not from its expiry.
        grace: scene.fresh + scene.stale,
        timeout: 0,
        // docs/timeouts, "Hard timeouts": the caller catches E_FACTORY_HARD_TIMEOUT.
        ...(scene.deadline > 0 ? { hardTimeout: scene.deadline } : {}),
        factory: () => factory(),
      })
    },
    isDeadline: (error) => error instanceof errors.E_FACTORY_HARD_TIMEOUT,
  }
}
