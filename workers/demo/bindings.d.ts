import type { Coordinator } from '../coordinator.ts'

declare global {
  // The way Cloudflare's types learn what `env` holds.
  namespace Cloudflare {
    interface Env {
      /** L2, leases and journal of the cache. */
      readonly COORDINATOR: DurableObjectNamespace<Coordinator>
      readonly DB: D1Database
      /** Opens the routes that change something. */
      readonly DEMO_SECRET?: string
    }
  }
}
