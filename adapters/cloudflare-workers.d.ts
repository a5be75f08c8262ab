/** The one thing the adapter takes from the Workers runtime; declared here so that no ambient types leak to users. */
declare module 'cloudflare:workers' {
  export function waitUntil(promise: Promise<unknown>): void
}
