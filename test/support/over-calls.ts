import type { CoordinationCalls } from '../../src/ports.ts'

/** What stands in front of the calls of a coordinator. `call` makes the one that was asked for. */
export type Middleman = (operation: keyof CoordinationCalls, call: () => Promise<unknown>) => Promise<unknown>

/** The calls of a coordinator with something in front of each. */
export function overCalls(calls: CoordinationCalls, stand: Middleman): CoordinationCalls {
  const over = <Name extends keyof CoordinationCalls>(name: Name): CoordinationCalls[Name] => {
    const call = calls[name] as (request: unknown) => Promise<unknown>
    const send = async (request: unknown): Promise<unknown> => stand(name, async () => call(request))
    return send as CoordinationCalls[Name]
  }
  return {
    read: over('read'),
    readMany: over('readMany'),
    take: over('take'),
    commit: over('commit'),
    commitMany: over('commitMany'),
    release: over('release'),
    invalidate: over('invalidate'),
    pull: over('pull'),
  }
}
