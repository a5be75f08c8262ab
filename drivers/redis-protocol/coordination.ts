import { type ChunkLimits, chunkedCalls } from '../../src/chunked-calls.ts'
import { laterReads } from '../../src/later-reads.ts'
import type {
  CommitManyRequest,
  Coordination,
  CoordinationCalls,
  Names,
  Page,
  ReadManyReply,
  ReadRequest,
} from '../../src/ports.ts'
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

/**
 * A page holds 1,000 events, and a script stops all others: it is not for long lists. Upstash takes requests of 10 MB
 * (https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded), as `ekiben gateway` does; a UTF-16 unit
 * becomes six bytes of JSON at most, so payloads take up to a quarter of that, and keys and tags have the rest.
 */
const IN_ONE_CALL: ChunkLimits = { reads: 100, events: 1_000, commits: 100, characters: 400_000 }

/**
 * Coordination by scripts in Redis. Each call is one command; a list of more than 1,000 events, 100 reads or 100 commits is
 * one for each such part, and then not one step.
 */
export function redisCoordination(evaluate: Evaluate, keys: KeyNames): Coordination {
  const ask = makeAsk(evaluate, keys)
  const calls = { ...reads(evaluate, keys, ask), ...writes(keys, ask) }
  return { kind: 'redis', ...chunkedCalls(calls, IN_ONE_CALL) }
}

/** An operation: its script, the keys it has for itself, what is asked, and the values it brings. */
interface Asked {
  readonly script: keyof typeof SCRIPTS
  readonly own: readonly string[]
  readonly request: object
  readonly payloads?: readonly string[]
}

interface Answer {
  readonly told: Told
  readonly page: Page
  readonly bodies: readonly string[]
}

type Ask = (asked: Asked) => Promise<Answer>

function makeAsk(evaluate: Evaluate, { journal, epochs, due }: KeyNames): Ask {
  const once: Ask = async ({ script, own, request, payloads = [] }) => {
    const args = [JSON.stringify(request), unguessable(), ...payloads]
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
  const found = makeFound(evaluate, keys)
  const read = makeRead(keys, ask, found)
  return {
    read,
    readMany: makeReadMany(keys, ask, { found, read }),
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

type FoundIn = (names: Names, verdict: Verdict | undefined, body?: string) => Promise<Verdicts>

function makeFound(evaluate: Evaluate, keys: KeyNames): FoundIn {
  return async (names, verdict, body = '') => {
    if (!verdict) return { stale: false, freshFor: 0, staleFor: 0 }
    const times = timesOf(verdict)
    const { version } = verdict
    if (verdict.born !== undefined) return adopt(evaluate, { keys, names, body }, { version, ...times })
    return { entry: { payload: body, version, ...namesIn(verdict.names) }, ...times }
  }
}

function makeRead(keys: KeyNames, ask: Ask, found: FoundIn): CoordinationCalls['read'] {
  const read: CoordinationCalls['read'] = async ({ lease, unusable, cursor, ...names }) => {
    const { told, page, bodies } = await ask({
      script: lease ? 'lease' : 'read',
      own: [keys.entry(names.key), ...(lease ? [keys.lease(names.key)] : [])],
      request: withCursor({ ...asked(names), unusable, ...claimOf(lease) }, cursor),
    })
    const { grant, left } = told
    const verdicts = await found(names, told.entry, bodies[0])
    const { version } = told.entry ?? {}
    // The script took it for fresh, and gave no lease.
    if (version !== undefined && !verdicts.entry && lease && unusable === undefined)
      return read({ ...names, lease, unusable: version, cursor })
    return { ...verdicts, lease: grant && { grant }, leaseLeft: left, page }
  }
  return read
}

function makeReadMany(
  keys: KeyNames,
  ask: Ask,
  { found, read }: { readonly found: FoundIn; readonly read: CoordinationCalls['read'] },
): CoordinationCalls['readMany'] {
  return async ({ reads: wanted, lease, cursor }) => {
    const leases = lease ? wanted.map(({ key }) => keys.lease(key)) : []
    const list = wanted.map(({ unusable, ...names }) => ({ ...asked(names), unusable }))
    const { told, page, bodies } = await ask({
      script: lease ? 'leaseMany' : 'readMany',
      own: [...wanted.map(({ key }) => keys.entry(key)), ...leases],
      request: withCursor({ reads: list, ...claimOf(lease) }, cursor),
    })
    const entries = wanted.map(async (one, index): Promise<ReadManyReply['entries'][number]> => {
      const { entry, grant, left } = told.entries?.[index] ?? {}
      const verdicts = await found(one, entry, bodies[index])
      // The script took it for fresh, and gave no lease.
      if (entry && !verdicts.entry && lease && one.unusable === undefined) {
        const { page: later, ...again } = await read({
          ...one,
          lease,
          unusable: entry.version,
          cursor: page.head,
        })
        return laterReads({ entries: [again], page: later })[0] ?? verdicts
      }
      return { ...verdicts, lease: grant && { grant }, leaseLeft: left }
    })
    return { entries: await Promise.all(entries), page }
  }
}

/** How a lease is asked for. */
function claimOf(lease: ReadRequest['lease']): object | undefined {
  return lease && { token: lease.token, ttl: leaseLife(lease.ttl) }
}

/** A commit as the script takes it. */
function committing({
  key,
  version,
  payload,
  keeps,
  freshFor,
  staleFor,
  mode,
  ...names
}: CommitManyRequest['commits'][number]): object {
  if (payload !== undefined) checkText(payload)
  return {
    ...asked(names),
    ...ruled(mode),
    key,
    version,
    keeps: payload === undefined ? (keeps ?? '') : undefined,
    fresh: whole(freshFor),
    stale: whole(staleFor),
  }
}

function writes(
  keys: KeyNames,
  ask: Ask,
): Pick<CoordinationCalls, 'commit' | 'commitMany' | 'release' | 'invalidate'> {
  const { channel } = keys
  const commitMany: CoordinationCalls['commitMany'] = async ({ commits, cursor }) => {
    const { told, page } = await ask({
      script: 'commit',
      own: commits.flatMap(({ key, op }) => [keys.entry(key), keys.lease(key), keys.answer(op)]),
      request: withCursor({ commits: commits.map(committing), channel }, cursor),
      payloads: commits.map(({ payload = '' }) => payload),
    })
    const replies = commits.map((_, index) => {
      const { stored, at } = told.commits?.[index] ?? {}
      return { stored: stored === true, ...(at ? { at } : {}) }
    })
    return { commits: replies, page }
  }
  return {
    commit: async ({ cursor, ...request }) => {
      const { commits, page } = await commitMany({ commits: [request], cursor })
      return { stored: false, ...commits[0], page }
    },
    commitMany,
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
