import { holdPending } from '../../src/pending.ts'
import type { Runtime } from '../../src/ports.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { currentScope } from './request-scope.ts'
import { vercelRequest } from './vercel-request.ts'

/**
 * The runtime of a process that outlives its requests. What goes on behind answers is held for `flush`; in a request
 * that has a `waitUntil` (`withRequest`, or a function on Vercel) it is handed to that. Looked up each time: nothing of
 * a first request is captured.
 */
export function processRuntime(): Runtime {
  return {
    ...systemRuntime,
    pending: holdPending(),
    get waitUntil() {
      const request = currentScope() ?? vercelRequest()
      return request?.waitUntil && ((work: Promise<unknown>) => request.waitUntil?.(work))
    },
  }
}
