/** Examples start a Redis too, and import nothing of the tests. */
export { openRedis, type RedisServer } from '../../examples/support/redis-server.ts'
