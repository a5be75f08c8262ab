// What `npx wrangler types` writes for you, of which this is the part that is used.
declare namespace Cloudflare {
  interface Env {
    readonly COORDINATOR: DurableObjectNamespace
  }
}
