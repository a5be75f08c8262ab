import { holdPending } from '../../src/pending.ts'
import type { Runtime } from '../../src/ports.ts'
import { systemRuntime, waitUntilOf } from '../../src/runtime.ts'
import { currentScope } from './request-scope.ts'
import { vercelRequest } from './vercel-request.ts'

/**
 * The runtime of a process that outlives its requests. What goes on behind answers is held for `flush`; in a request
 * that has a `waitUntil` (`withRequest`, or a function on Vercel) it is handed to that as well. Looked up each time:
 * nothing of a first request is captured. A scope may outlive its request, and a process may end by a signal while its
 * requests wait, so nobody relies on the request alone.
 */
export function processRuntime(): Runtime {
  const pending = holdPending()
  return {
    ...systemRuntime,
    pending,
    get waitUntil() {
      const hand = waitUntilOf(currentScope() ?? vercelRequest())
      return (
        hand &&
        ((work: Promise<unknown>) => {
          pending.add(work)
          hand(work)
        })
      )
    },
  }
}
