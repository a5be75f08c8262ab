import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FAULTS, underFault } from '../support/fault-matrix.ts'
import { type FaultyGateway, openFaultyGateway } from '../support/faulty-gateway.ts'
import { WAYS } from '../support/hosted-redis.ts'
import { openRedis, type RedisServer } from '../support/redis-server.ts'

let server: RedisServer
let gateway: FaultyGateway

beforeAll(async () => {
  server = await openRedis()
  gateway = await openFaultyGateway({ redisUrl: server.url })
})

afterAll(async () => {
  await gateway.close()
  await server.close()
})

describe.each(['upstash by address', 'upstash by client'])('%s', (way) => {
  test.each(Object.keys(FAULTS))(
    'with a store that is %s, operations answer and changes are not lost',
    async (fault) => {
      const options = { gateway, makeDriver: WAYS[way]!, l2Timeout: 400 }
      const cells = await underFault(fault, options)
      expect(cells.length).toBeGreaterThan(10)
      expect(cells.filter(({ right, recovered }) => !right || !recovered)).toEqual([])
    },
    60_000,
  )
})
