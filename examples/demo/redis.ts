/** Redis over HTTP without an account: Debian's `redis-server` behind the project's own gateway, on free ports. */
import { type GatewayStats, startGateway } from '../../bin/gateway.ts'
import { openRedis } from '../support/redis-server.ts'
import { SetupError } from './setup-error.ts'

export interface HostedRedis {
  /** How a Worker reaches it, under the names that Upstash gives them. */
  readonly variables: Readonly<Record<string, string>>
  /** What the gateway counted. */
  stats(): GatewayStats
  close(): Promise<void>
}

/** @throws SetupError if there is no `redis-server`, or it does not start */
export async function startRedis(): Promise<HostedRedis> {
  const redis = await openRedis().catch((error: Error) => {
    throw new SetupError(error.message, { cause: error })
  })
  const token = crypto.randomUUID()
  const gateway = await startGateway({ token, redis: redis.url, port: 0 })
  return {
    variables: { UPSTASH_REDIS_REST_URL: gateway.url, UPSTASH_REDIS_REST_TOKEN: token },
    stats: () => gateway.stats(),
    async close() {
      await gateway.close()
      await redis.close()
    },
  }
}
