// What the weighed Worker takes from the runtime's module beside what bench/compare declares. The complete types
// cannot be loaded beside those of Node.
declare module 'cloudflare:workers' {
  export const env: {
    readonly KV: import('../../drivers/cloudflare-kv.ts').KVNamespaceLike
    readonly COORDINATOR: { idFromName(name: string): unknown; get(id: unknown): unknown }
  }
}
