/**
 * Runs a command beside a Redis over HTTP, without an account: Debian's `redis-server` behind `ekiben gateway`. The
 * command is told the address and the token by the names that Upstash and Vercel give them.
 *
 *   npm run with-redis -- node examples/node/server.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { startRedis } from '../demo/redis.ts'
import { SetupError } from '../demo/setup-error.ts'

const [program, ...args] = process.argv.slice(2)

try {
  if (program === undefined) throw new SetupError('say what to run: npm run with-redis -- <command>')
  process.exitCode = await run(program, args)
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`with-redis: ${error.message}\n`)
  process.exitCode = 1
}

/** The code the command ended with, as a shell tells it. */
async function run(command: string, rest: readonly string[]): Promise<number> {
  const redis = await startRedis()
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = redis.variables
  const variables = {
    UPSTASH_REDIS_REST_URL,
    UPSTASH_REDIS_REST_TOKEN,
    KV_REST_API_URL: UPSTASH_REDIS_REST_URL,
    KV_REST_API_TOKEN: UPSTASH_REDIS_REST_TOKEN,
  }
  try {
    const child = spawn(command, rest, { stdio: 'inherit', env: { ...process.env, ...variables } })
    // Ctrl+C reaches both. Redis stays until the command has done what it does at its end.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return code ?? 128 + constants.signals[signal as NodeJS.Signals]
  } catch (error) {
    throw new SetupError(`${command} does not start: ${(error as Error).message}`, { cause: error })
  } finally {
    await redis.close()
  }
}
