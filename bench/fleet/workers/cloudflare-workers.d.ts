// What an isolate of the fleet takes from the runtime's module beyond `waitUntil`.
declare module 'cloudflare:workers' {
  export const env: import('../messages.ts').Bindings
}
