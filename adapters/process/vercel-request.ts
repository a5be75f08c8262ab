/** What a request on Vercel is known by, in functions of Node and Bun as in the edge runtime. */
interface VercelRequest {
  waitUntil?(work: Promise<unknown>): void
}

/**
 * The request on Vercel that runs now, found as `@vercel/functions` finds it: by a symbol, so no package is needed.
 * https://vercel.com/docs/functions/functions-api-reference/vercel-functions-package#waituntil
 */
export function vercelRequest(): VercelRequest | undefined {
  const context: unknown = Reflect.get(globalThis, Symbol.for('@vercel/request-context'))
  return (context as { get?(): VercelRequest | undefined } | undefined)?.get?.()
}
