import { randomBytes } from 'node:crypto'
import type { Command } from './command.ts'

/** Commands that change nothing. One that is missing here only changes the token without need. */
const reads = new Set(
  (
    'BITCOUNT BITFIELD_RO BITPOS COMMAND DBSIZE DUMP ECHO EVALSHA_RO EVAL_RO EXISTS EXPIRETIME FCALL_RO GEODIST ' +
    'GEOHASH GEOPOS GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GET GETBIT GETRANGE HEXISTS HGET HGETALL HKEYS ' +
    'HLEN HMGET HRANDFIELD HSCAN HSTRLEN HVALS INFO KEYS LCS LINDEX LLEN LPOS LRANGE MEMORY MGET OBJECT ' +
    'PEXPIRETIME PFCOUNT PING PTTL PUBLISH PUBSUB RANDOMKEY SCAN SCARD SDIFF SINTER SINTERCARD SISMEMBER ' +
    'SMEMBERS SMISMEMBER SORT_RO SPUBLISH SRANDMEMBER SSCAN STRLEN SUBSTR SUNION TIME TOUCH TTL TYPE XINFO XLEN ' +
    'XPENDING XRANGE XREAD XREVRANGE ZCARD ZCOUNT ZDIFF ZINTER ZINTERCARD ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE ' +
    'ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION'
  ).split(' '),
)

/**
 * The `upstash-sync-token`: where in the order of writes an answer stands. Clients send it back to read their own
 * writes from a replica; one Redis needs no such help, so it is given and, when it comes back, not looked at.
 */
export class SyncToken {
  readonly #gateway = randomBytes(9).toString('base64url')
  #writes = 0

  note({ name }: Command): void {
    if (!reads.has(name)) this.#writes += 1
  }

  get current(): string {
    return Buffer.from(`${this.#gateway}:${this.#writes}`).toString('base64url')
  }
}
