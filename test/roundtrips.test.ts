import { afterAll, beforeAll, expect, test } from 'vitest'
import { PRICES } from '../bench/roundtrips/expected.ts'
import { measure } from '../bench/roundtrips/measure.ts'
import { STACKS } from '../bench/roundtrips/stage.ts'
import { openRedis, type RedisServer } from './support/redis-server.ts'

let redis: RedisServer

beforeAll(async () => {
  redis = await openRedis()
})

afterAll(() => redis.close())

test.each(STACKS)(
  '%s costs what the price list says',
  async (stack) => {
    expect(await measure(stack, redis.url)).toEqual(PRICES[stack])
  },
  60_000,
)
