// The demo starts one as well, and what is shown must not lead into the tests.
export { openRedis, type RedisServer } from '../../examples/support/redis-server.ts'
