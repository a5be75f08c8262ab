import type { Coordinator } from '../../workers/coordinator.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      readonly COORDINATOR: DurableObjectNamespace<Coordinator>
      /** Bound in `isolate.ts` alone, as is the name. */
      readonly KV: KVNamespace
      /** Name of the isolate, in `isolate.ts`. */
      readonly NAME: string
    }
  }
}
