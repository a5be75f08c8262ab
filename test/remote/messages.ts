import type { CoordinationCalls } from '../../src/ports.ts'

/** One operation over RPC, as the Worker of `test/workerd/remote.ts` takes it. */
export interface Rpc {
  readonly name: string
  readonly operation: keyof CoordinationCalls | 'stats'
  readonly request?: unknown
}
