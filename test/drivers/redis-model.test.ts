import { expect, test } from 'vitest'
import type {
  CommitMode,
  CommitReply,
  Coordination,
  Cursor,
  Invalidation,
  Names,
  Page,
  ReadReply,
} from '../../src/ports.ts'
import { ledgerCoordination } from '../support/ledger-coordination.ts'
import { manualRedis } from '../support/manual-redis.ts'
import { redisForFile } from '../support/redis-for-file.ts'
import { seeded } from '../support/seeded.ts'

// Two coordinators, one in SQL and one in Lua, are asked the same in the same order and must answer the same.

const SCHEDULES = 40
const STEPS = 120

const KEYS: readonly (Names & { key: string })[] = [
  { key: 'k', tags: ['#t'], namespaces: [''] },
  { key: 'a:k', tags: ['#t', 'a#u'], namespaces: ['', 'a'] },
  { key: 'a:b:k', tags: [], namespaces: ['', 'a', 'a:b'] },
  { key: 'ab:k', tags: ['\u{1f371}, "x"\\'], namespaces: ['', 'ab'] },
]
const EVENTS: readonly Invalidation[] = [
  ...KEYS.flatMap(({ key }) => [false, true].map((soft) => ({ kind: 'key', name: key, soft }) as const)),
  ...['#t', 'a#u', '\u{1f371}, "x"\\'].flatMap((name) =>
    [false, true].map((soft) => ({ kind: 'tag', name, soft }) as const),
  ),
  ...['', 'a', 'a:b', 'ab'].map((name) => ({ kind: 'namespace', name, soft: false }) as const),
]

const file = redisForFile()

/** One side: what it was asked, and what it answered, without the ids that are its own. */
interface Side {
  readonly coordination: Coordination
  /** Ends of the journal at earlier replies, by step. */
  readonly heads: Cursor[]
  readonly grants: (Cursor | undefined)[]
}

function seen(page: Page): unknown {
  return { head: page.head.seq, events: page.events }
}

function sorted(reply: Pick<ReadReply, 'entry' | 'stale' | 'freshFor' | 'staleFor'>): unknown {
  const { entry, stale, freshFor, staleFor } = reply
  const names = entry && { tags: entry.tags.toSorted(), namespaces: entry.namespaces.toSorted() }
  return { entry: entry && { ...entry, ...names }, stale, freshFor, staleFor }
}

async function compare(seed: number): Promise<Record<string, number>> {
  const pick = seeded(seed)
  await file.redis.flushall()
  const clock = { now: 1_900_000_000_000 }
  const ledger = ledgerCoordination({ now: () => clock.now })
  const send = (command: readonly string[]): Promise<unknown> =>
    file.redis.call(command[0] ?? '', ...command.slice(1))
  const sides: Side[] = [ledger.coordination, manualRedis(send, () => clock.now)].map((coordination) => ({
    coordination,
    heads: [],
    grants: [],
  }))
  const claims: { readonly names: Names & { key: string }; readonly token: string }[] = []
  const count: Record<string, number> = {}
  const tell = (what: string): void => void (count[what] = (count[what] ?? 0) + 1)

  /** Asks both sides and compares what they say; the first reply is given back. */
  const both = async <Reply extends { readonly page: Page }>(
    ask: (side: Side) => Promise<Reply>,
    view: (reply: Reply) => unknown,
  ): Promise<Reply> => {
    const replies: Reply[] = []
    for (const side of sides) {
      const reply = await ask(side)
      side.heads.push(reply.page.head)
      replies.push(reply)
    }
    const [sql, lua] = replies.map((reply) => ({ said: view(reply), page: seen(reply.page) }))
    expect(lua, `seed ${seed}`).toEqual(sql)
    return replies[0] as Reply
  }
  const cursorOf =
    (back: number) =>
    (side: Side): Cursor | undefined =>
      side.heads.at(-1 - back)

  for (let step = 0; step < STEPS; step++) {
    clock.now += pick(6) * 300
    const names = KEYS[pick(KEYS.length)]!
    const cursor = cursorOf(pick(8))
    switch (pick(10)) {
      case 0:
      case 1:
      case 2: {
        const lease = pick(4) > 0 ? { token: `${pick(3)}`, ttl: [5_000, 60_000][pick(2)]! } : undefined
        // Now and then by somebody in another namespace, who is not to see it.
        const own = pick(6) === 0 ? { ...names, namespaces: KEYS[pick(KEYS.length)]!.namespaces } : names
        if (lease) claims.push({ names: own, token: lease.token })
        const unusable = ['*', 'none', undefined, undefined][pick(4)]
        const reply = await both(
          async (side) => {
            const told = await side.coordination.read({ ...own, lease, unusable, cursor: cursor(side) })
            if (lease) side.grants.push(told.lease?.grant)
            return told
          },
          (told) => [sorted(told), told.lease?.grant.seq, told.leaseLeft],
        )
        tell(reply.entry ? (reply.stale ? 'stale' : 'fresh') : 'absent')
        if (lease) tell(reply.lease ? 'granted' : reply.leaseLeft ? 'refused' : 'needless')
        break
      }
      case 3:
      case 4:
      case 5: {
        const kind = (['lease', 'lease', 'free', 'set'] as const)[pick(4)]!
        const [back, repeat, foreign] = [pick(4), pick(5) === 0, pick(4) === 0]
        // Mostly what was begun is ended by whoever began it, with its own token.
        const claim = foreign ? undefined : claims.at(-1 - back)
        const [own, token] = [claim?.names ?? names, claim?.token ?? `${pick(3)}`]
        const late = pick(3) === 0 ? [EVENTS[8 + pick(6)]!.name] : []
        const [freshFor, staleFor] = [
          [4_000, 60_000],
          [null, null],
          [9_000, 9_000],
          [1, 90_000],
        ][pick(4)]!
        const keeps = [undefined, undefined, '*', `v${pick(step + 1)}`][pick(4)]
        const op = repeat ? `op ${seed} ${pick(step + 1)}` : `op ${seed} ${step}`
        const commit = async (side: Side): Promise<CommitReply> => {
          const grant = side.grants.at(-1 - back) ?? side.heads.at(-1 - back) ?? { seq: 9, id: 'no' }
          const mode: CommitMode =
            kind === 'lease' ? { kind, token, grant } : kind === 'free' ? { kind, since: grant } : { kind }
          const write = {
            ...(keeps ? { keeps } : { payload: `t;{}\n${step} \u{1f371}\n` }),
            version: `v${step}`,
            freshFor,
            staleFor,
            op,
            mode,
          }
          const request = { ...own, tags: [...own.tags, ...late], ...write, cursor: cursor(side) }
          return side.coordination.commit(request as Parameters<Coordination['commit']>[0])
        }
        const reply = await both(commit, ({ stored, at }) => ({ stored, at }))
        tell(`${kind} ${keeps ? 'kept' : 'stored'} ${reply.stored}`)
        break
      }
      case 6: {
        const events = Array.from({ length: 1 + pick(3) }, () => EVENTS[pick(EVENTS.length)]!)
        await both(
          (side) => side.coordination.invalidate({ events, cursor: cursor(side) }),
          ({ existed }) => existed,
        )
        tell('invalidate')
        break
      }
      case 7: {
        const lease = pick(2) === 0 ? { token: `${pick(3)}`, ttl: 60_000 } : undefined
        const reads = KEYS.filter(() => pick(2) === 0).map((one) => ({
          ...one,
          unusable: ['*', undefined, undefined][pick(3)],
        }))
        if (lease) claims.push(...reads.map((one) => ({ names: one, token: lease.token })))
        await both(
          async (side) => {
            const told = await side.coordination.readMany({ reads, lease, cursor: cursor(side) })
            if (lease) side.grants.push(...told.entries.map((entry) => entry.lease?.grant))
            return told
          },
          ({ entries }) => entries.map((entry) => [sorted(entry), entry.lease?.grant.seq, entry.leaseLeft]),
        )
        tell(lease ? 'readMany with leases' : 'readMany')
        break
      }
      case 8: {
        const commits = KEYS.filter(() => pick(2) === 0).map(({ key, ...own }, at) => {
          const last = claims.findLastIndex((claim) => claim.names.key === key)
          return {
            key,
            ...own,
            begun: pick(3) === 0 ? claims.length - 1 - pick(4) : last,
            op: pick(6) === 0 ? `op ${seed} ${pick(step + 1)}` : `many ${seed} ${step} ${at}`,
            version: `v${step}`,
            ...[{ keeps: '*' }, { keeps: `v${pick(step + 1)}` }, { payload: `${step} ${key}` }][pick(3)],
            freshFor: [9_000, 1][pick(2)]!,
            staleFor: 90_000,
            kind: (['set', 'free', 'lease'] as const)[pick(3)]!,
          }
        })
        const modeOf = (side: Side, { kind, begun }: (typeof commits)[number]): CommitMode => {
          const grant = side.grants[begun] ?? side.heads.at(-1) ?? { seq: 9, id: 'no' }
          if (kind === 'set') return { kind }
          return kind === 'free' ? { kind, since: grant } : { kind, token: claims[begun]?.token ?? '', grant }
        }
        const reply = await both(
          (side) =>
            side.coordination.commitMany({
              commits: commits.map(({ kind, begun, ...commit }) => ({
                ...commit,
                mode: modeOf(side, { ...commit, kind, begun }),
              })),
              cursor: cursor(side),
            }),
          (told) => told.commits.map(({ stored, at }) => ({ stored, at })),
        )
        for (const [at, { stored }] of reply.commits.entries()) {
          const { kind, keeps } = commits[at] as { kind: string; keeps?: string }
          tell(`many, ${kind} ${keeps ? 'kept' : 'stored'} ${stored}`)
        }
        break
      }
      default: {
        const token = `${pick(3)}`
        if (pick(2) === 0)
          await both<ReadReply>((side) => side.coordination.take({ ...names, cursor: cursor(side) }), sorted)
        else
          await both(
            (side) => side.coordination.release({ ...names, token, cursor: cursor(side) }),
            () => 0,
          )
        tell('take or release')
      }
    }
  }
  ledger.sql.close()
  return count
}

test('Redis answers as the Durable Object does, whatever the order', async () => {
  const total: Record<string, number> = {}
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    for (const [what, times] of Object.entries(await compare(seed))) total[what] = (total[what] ?? 0) + times
  }
  // A comparison of nothing but refusals would show nothing.
  const all = [
    'stale',
    'fresh',
    'absent',
    'granted',
    'refused',
    'lease stored true',
    'lease stored false',
    'free stored true',
    'free stored false',
    'set stored true',
    'lease kept true',
    'lease kept false',
    'free kept false',
    'set kept true',
    'set kept false',
    ...['set', 'free', 'lease'].flatMap((kind) => [
      `many, ${kind} kept true`,
      `many, ${kind} kept false`,
      `many, ${kind} stored true`,
    ]),
    'many, free stored false',
    'many, lease stored false',
    'readMany',
    'readMany with leases',
  ]
  const rare = [...all, 'invalidate', 'take or release'].filter((what) => (total[what] ?? 0) < 20)
  expect(rare).toEqual([])
}, 120_000)
