import type { Coordinator } from '../../workers/coordinator.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      readonly COORDINATOR: DurableObjectNamespace<Coordinator>
      /** Name of the isolate, in `isolate.ts`. */
      readonly NAME: string
    }
  }
}
