import type { Coordinator } from '../coordinator.ts'

declare global {
  // The way Cloudflare's types learn what `env` holds.
  namespace Cloudflare {
    interface Env {
      /** Which of the stacks of `stacks.ts` to use; `do` without. */
      readonly L2?: string
      /** L2, leases and journal of the cache. Not used with `upstash`. */
      readonly COORDINATOR: DurableObjectNamespace<Coordinator>
      /** The values of the cache, with `kv`. */
      readonly CACHE_KV: KVNamespace
      /** Address and token of the cache, with `upstash`. */
      readonly UPSTASH_REDIS_REST_URL?: string
      readonly UPSTASH_REDIS_REST_TOKEN?: string
      readonly DB: D1Database
      /** Opens the routes that change something. */
      readonly DEMO_SECRET?: string
    }
  }
}
