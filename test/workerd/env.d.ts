import type { Coordinator } from '../../workers/coordinator.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      readonly COORDINATOR: DurableObjectNamespace<Coordinator>
    }
  }
}
