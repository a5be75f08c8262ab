/** What the guest takes from workerd; the types of Workers are for what runs in the pool. */
declare module 'cloudflare:workers' {
  export const env: Readonly<Record<string, unknown>>
}
