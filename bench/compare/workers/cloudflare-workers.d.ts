// The whole of what these Workers take from the runtime's module. The complete types redeclare
// the global scope and cannot be loaded beside those of Node, which the runner needs.
declare module 'cloudflare:workers' {
  export function waitUntil(promise: Promise<unknown>): void
}
