// What the weighed Worker takes from the runtime's module beside what bench/compare declares. The complete types
// cannot be loaded beside those of Node.
import type { KVNamespaceLike } from '../../drivers/cloudflare-kv.ts'

declare module 'cloudflare:workers' {
  export const env: {
    readonly KV: KVNamespaceLike
    readonly COORDINATOR: { idFromName(name: string): unknown; get(id: unknown): unknown }
  }
}
