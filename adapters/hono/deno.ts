/**
 * Ekiben in Hono: a middleware that gives each request the cache, bound to it. What JSR has, for Deno, Node and Bun.
 *
 * @module
 */
import { BentoCache } from '../deno.ts'
import { type Bento, middlewareOf } from './middleware.ts'

export type { Bento, BentoMiddleware, BentoVariables } from './middleware.ts'
export type { TellingOptions } from './tell.ts'

/** `bento` of `ekiben/adapters/hono`, with the cache that `import 'ekiben'` gives here. */
export const bento: Bento = /* @__PURE__ */ middlewareOf((options) => new BentoCache(options))
