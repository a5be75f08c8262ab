import type { BentoCache } from '../bento-cache.ts'
import type { RequestContext, Runtime } from '../ports.ts'
import { derivedRuntime } from './derived-runtime.ts'

/** A cache as its own `bind` gives it: one of `ekiben/full` stays one. */
export type Bound<C extends BentoCache> = ReturnType<C['bind']>

const NOBODY: RequestContext = { waitUntil: () => {} }

/**
 * A view of a cache with a runtime of its own, which does what the cache's does. With a context, background work is
 * handed to its `waitUntil`; without one it goes where it went before.
 */
export function bindTo<C extends BentoCache>(
  cache: C,
  context: RequestContext | undefined,
): { readonly cache: Bound<C>; readonly runtime: Runtime } {
  const bound = cache.bind(context ?? NOBODY) as Bound<C>
  const runtime = bound['runtime']
  // Made by `bind` for this view and those of it, so it is ours to complete with what a copy of the cache's lacks.
  const { waitUntil, ...all } = Object.getOwnPropertyDescriptors(derivedRuntime(cache['runtime']))
  Object.defineProperties(runtime, all)
  if (waitUntil && !context) Object.defineProperty(runtime, 'waitUntil', waitUntil)
  return { cache: bound, runtime }
}
