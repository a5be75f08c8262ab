import type { Coordinator } from '../../workers/coordinator.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      readonly COORDINATOR: DurableObjectNamespace<Coordinator>
      /** Bound in `isolate.ts` alone, as is the name. */
      readonly KV: KVNamespace
      /** The secrets of the HTTP face, in `remote.ts`, one word each. */
      readonly EKIBEN_SECRET?: string
      /** The Worker of `remote.ts`, in `service.ts`. */
      readonly COORDINATOR_SERVICE: Fetcher
      /** Name of the isolate, in `isolate.ts` and `service.ts`. */
      readonly NAME: string
    }
  }
}
