import { afterEach, expect, it, vi } from 'vitest'
import { startRedis } from '../../examples/demo/redis.ts'
import { SetupError } from '../../examples/demo/setup-error.ts'

afterEach(() => vi.unstubAllEnvs())

it('Redis for the demo answers over HTTP to whoever has the token, and counts', async () => {
  const redis = await startRedis()
  const { UPSTASH_REDIS_REST_URL: url = '', UPSTASH_REDIS_REST_TOKEN: token } = redis.variables
  const ping = (bearer: string | undefined) =>
    fetch(url, { method: 'POST', headers: { authorization: `Bearer ${bearer}` }, body: '["PING"]' })
  try {
    expect(await (await ping(token)).json()).toEqual({ result: 'PONG' })
    expect((await ping('another')).status).toBe(401)
    expect(redis.stats()).toMatchObject({ requests: 2, commands: 1 })
  } finally {
    await redis.close()
  }
  await expect(ping(token)).rejects.toThrow('fetch failed')
})

it('without redis-server the demo says what to install', async () => {
  vi.stubEnv('PATH', '/nowhere')
  const started = startRedis()
  await expect(started).rejects.toThrow(SetupError)
  await expect(started).rejects.toThrow('apt-get install -y redis-server')
})
