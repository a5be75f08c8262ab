import { type ChunkLimits, chunkedCalls } from '../../src/chunked-calls.ts'
import type { Coordination, CoordinationCalls, Names, Page } from '../../src/ports.ts'
import { systemRuntime } from '../../src/runtime.ts'
import { adopt } from './adopt.ts'
import type { Evaluate } from './evaluate.ts'
import type { KeyNames } from './names.ts'
import { SCRIPTS } from './scripts.ts'
import {
  asked,
  checkText,
  leaseLife,
  namesIn,
  pageOf,
  parseTold,
  ruled,
  signed,
  timesOf,
  type Told,
  type Verdict,
  type Verdicts,
  whole,
  withCursor,
} from './wire.ts'

/** A page holds 1,000 events, and a script stops all others: it is not for long lists. */
const IN_ONE_CALL: ChunkLimits = { reads: 100, events: 1_000 }

/**
 * Coordination by scripts in Redis. Each call is one command; a list of more than 1,000 events or 100 reads is one for
 * each such part, and then not one step.
 */
export function redisCoordination(evaluate: Evaluate, keys: KeyNames): Coordination {
  const ask = makeAsk(evaluate, keys)
  const calls = { ...reads(evaluate, keys, ask), ...writes(keys, ask) }
  return { kind: 'redis', ...chunkedCalls(calls, IN_ONE_CALL) }
}

/** An operation: its script, the keys it has for itself, what is asked, and a value if it brings one. */
interface Asked {
  readonly script: keyof typeof SCRIPTS
  readonly own: readonly string[]
  readonly request: object
  readonly payload?: string
}

interface Answer {
  readonly told: Told
  readonly page: Page
  readonly bodies: readonly string[]
}

type Ask = (asked: Asked) => Promise<Answer>

function makeAsk(evaluate: Evaluate, { journal, epochs, due }: KeyNames): Ask {
  const once: Ask = async ({ script, own, request, payload }) => {
    const args = [JSON.stringify(request), unguessable()]
    if (payload !== undefined) args.push(payload)
    const [head = '', ...bodies] = await evaluate(SCRIPTS[script], [journal, epochs, due, ...own], args)
    const told = parseTold(head)
    return { told, page: pageOf(told.page), bodies }
  }
  return async (operation) => {
    const answer = await once(operation)
    if (answer.page.head.seq > 0) return answer
    // No journal yet, and who only reads can begin none. Asked once more: nothing that comes in between may be missed.
    await once({ script: 'birth', own: [], request: {} })
    return once(operation)
  }
}

/** 60 random bits: the clock of Redis is added to them, and they go into every event and epoch. */
function unguessable(): string {
  return systemRuntime.randomId().replaceAll('-', '').slice(0, 16)
}

function reads(
  evaluate: Evaluate,
  keys: KeyNames,
  ask: Ask,
): Pick<CoordinationCalls, 'read' | 'readMany' | 'take' | 'pull'> {
  const found = async (names: Names, verdict: Verdict | false | undefined, body = ''): Promise<Verdicts> => {
    if (!verdict) return { stale: false, freshFor: 0, staleFor: 0 }
    const times = timesOf(verdict)
    const { version } = verdict
    if (verdict.born !== undefined) return adopt(evaluate, { keys, names, body }, { version, ...times })
    return { entry: { payload: body, version, ...namesIn(verdict.names) }, ...times }
  }
  const read: CoordinationCalls['read'] = async ({ lease, unusable, cursor, ...names }) => {
    const claim = lease && { token: lease.token, ttl: leaseLife(lease.ttl) }
    const { told, page, bodies } = await ask({
      script: lease ? 'lease' : 'read',
      own: [keys.entry(names.key), ...(lease ? [keys.lease(names.key)] : [])],
      request: withCursor({ ...asked(names), unusable, ...claim }, cursor),
    })
    const { grant, left } = told
    const verdicts = await found(names, told.entry, bodies[0])
    const { version } = told.entry ?? {}
    // The script took it for fresh, and gave no lease.
    if (version !== undefined && !verdicts.entry && lease && unusable === undefined)
      return read({ ...names, lease, unusable: version, cursor })
    return { ...verdicts, lease: grant && { grant }, leaseLeft: left, page }
  }
  return {
    read,
    readMany: async ({ reads: wanted, cursor }) => {
      const { told, page, bodies } = await ask({
        script: 'readMany',
        own: wanted.map(({ key }) => keys.entry(key)),
        request: withCursor({ reads: wanted.map(({ namespaces }) => namespaces) }, cursor),
      })
      const entries = wanted.map((names, index) => found(names, told.entries?.[index], bodies[index]))
      return { entries: await Promise.all(entries), page }
    },
    take: async ({ cursor, ...names }) => {
      const { told, page, bodies } = await ask({
        script: 'take',
        own: [keys.entry(names.key), keys.lease(names.key)],
        request: withCursor({ ...asked(names), key: names.key, channel: keys.channel }, cursor),
      })
      return { ...(await found(names, told.entry, bodies[0])), page }
    },
    pull: async ({ cursor }) => {
      const { page } = await ask({ script: 'pull', own: [], request: withCursor({}, cursor) })
      return { page }
    },
  }
}

function writes(keys: KeyNames, ask: Ask): Pick<CoordinationCalls, 'commit' | 'release' | 'invalidate'> {
  const { channel } = keys
  return {
    commit: async ({ op, key, version, payload, freshFor, staleFor, mode, cursor, ...names }) => {
      checkText(payload)
      const { told, page } = await ask({
        script: 'commit',
        own: [keys.entry(key), keys.lease(key), keys.answer(op)],
        request: withCursor(
          {
            ...asked(names),
            ...ruled(mode),
            key,
            version,
            fresh: whole(freshFor),
            stale: whole(staleFor),
            channel,
          },
          cursor,
        ),
        payload,
      })
      return { stored: told.stored === true, at: told.at || undefined, page }
    },
    release: async ({ key, token, cursor }) => {
      const { page } = await ask({
        script: 'release',
        own: [keys.lease(key)],
        request: withCursor({ token }, cursor),
      })
      return { page }
    },
    invalidate: async ({ events, cursor }) => {
      const { told, page } = await ask({
        script: 'invalidate',
        own: events.flatMap(({ kind, name }) => (kind === 'key' ? [keys.entry(name), keys.lease(name)] : [])),
        request: withCursor({ events: events.map(signed), channel }, cursor),
      })
      return { existed: told.existed ?? 0, page }
    },
  }
}
