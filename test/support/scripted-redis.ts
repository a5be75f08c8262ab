import type { Redis } from 'ioredis'
import { beforeEach } from 'vitest'
import { redisCoordination } from '../../drivers/redis-protocol/coordination.ts'
import { makeEvaluate } from '../../drivers/redis-protocol/evaluate.ts'
import { nameKeys } from '../../drivers/redis-protocol/names.ts'
import { reasonOf } from '../../drivers/redis-protocol/reason.ts'
import { StoreError } from '../../src/errors.ts'
import type { CommitManyRequest, Coordination, Cursor } from '../../src/ports.ts'
import { redisForFile } from './redis-for-file.ts'

/** A commit of a list. */
export type Draft = CommitManyRequest['commits'][number]

/** A real Redis for the tests of one file, emptied for each, and what its scripts are sent as. */
export interface ScriptedRedis {
  /** Beside the scripts, for a look at what lies there. */
  readonly redis: Redis
  /** The commands since the test began. */
  readonly sent: string[][]
  /** Another isolate: it has sent nothing yet. Its keys begin with `p`. */
  open(options?: { readonly locking?: boolean }): Coordination
  send(command: readonly string[]): Promise<unknown>
  /** What the scripts and the test have called since the test began, by lower-case name. */
  calls(): Promise<Readonly<Record<string, number>>>
}

/** Starts one before the tests of a file and ends it after them. */
export function scriptedRedis(): ScriptedRedis {
  const file = redisForFile()
  const sent: string[][] = []
  const send = async (command: readonly string[]): Promise<unknown> => {
    sent.push([...command])
    return file.redis.call(command[0] ?? '', ...command.slice(1)).catch((error: unknown) => {
      throw new StoreError('Redis', reasonOf((error as Error).message))
    })
  }
  beforeEach(async () => {
    await file.redis.flushall()
    await file.redis.call('SCRIPT', 'FLUSH')
    await file.redis.config('RESETSTAT')
    sent.length = 0
  })
  return {
    get redis() {
      return file.redis
    },
    sent,
    send,
    open: ({ locking = false } = {}) =>
      redisCoordination(makeEvaluate(send, { locking, replicas: true }), nameKeys('p', false)),
    calls: async () => {
      const stats = await file.redis.info('commandstats')
      const rows = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
      return Object.fromEntries(rows.map(([, name = '', count]) => [name, Number(count)]))
    },
  }
}

/** What entries of the tests hang on. */
export const NAMES = { tags: ['p#t', 'p#u'], namespaces: ['p'] }

/** A commit that stores something under a key, unless it is told otherwise. Its operation is named by the version. */
export function draft(key: string, more: Partial<Draft> = {}): Draft {
  const { version = `version of ${key}` } = more
  const life = { freshFor: 60_000, staleFor: 600_000 }
  return {
    op: version,
    key,
    version,
    payload: `t;{}\n${key}`,
    ...NAMES,
    ...life,
    mode: { kind: 'set' },
    ...more,
  }
}

/** A commit that keeps what is there. */
export function keeping(key: string, more: Partial<Draft> = {}): Draft {
  return { ...draft(key, { version: 'of nothing', keeps: '*', ...more }), payload: undefined }
}

/** A commit under a lease, of who was given it. */
export function under(token: string, lease: { readonly grant: Cursor } | undefined): Pick<Draft, 'mode'> {
  if (!lease) throw new Error('no lease')
  return { mode: { kind: 'lease', token, grant: lease.grant } }
}
