// Every fault of a Redis over HTTP against every operation: what callers wait, by address and by client of Upstash.
// `-- --json` for machines. Exits with 1 when an operation gives anything else than it must, takes longer than the
// deadline of one call, or when what was not acknowledged is lost.
import { parseArgs } from 'node:util'
import { type Cell, FAULTS, underFault } from '../../test/support/fault-matrix.ts'
import { openFaultyGateway } from '../../test/support/faulty-gateway.ts'
import { WAYS } from '../../test/support/hosted-redis.ts'
import { openRedis } from '../../test/support/redis-server.ts'

/** Deadline of each call to Redis. */
const L2_TIMEOUT = 400
/** What the machine may take beside it: twelve operations run at once in one process. */
const MARGIN = 150

const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
let unhandled = 0
process.on('unhandledRejection', () => unhandled++)

const redis = await openRedis()
const gateway = await openFaultyGateway({ redisUrl: redis.url })
const table: Record<string, Cell[]> = {}
try {
  for (const way of ['upstash by address', 'upstash by client']) {
    const makeDriver = WAYS[way]
    if (!makeDriver) throw new Error(`no such way: ${way}`)
    const options = { gateway, makeDriver, l2Timeout: L2_TIMEOUT, awaitWrites: false }
    // Once in good health: connections are opened and code is compiled.
    await underFault('slow, but in time', options)
    table[way] = []
    for (const fault of Object.keys(FAULTS)) table[way].push(...(await underFault(fault, options)))
  }
} finally {
  await gateway.close()
  await redis.close()
}

const cells = Object.values(table).flat()
const bad = cells.filter(({ right, recovered, ms }) => !right || !recovered || ms > L2_TIMEOUT + MARGIN)
const slowest = Math.max(...cells.map(({ ms }) => ms))

if (flags.json) {
  console.log(JSON.stringify({ cells: cells.length, slowest, bound: L2_TIMEOUT + MARGIN, unhandled, table }))
} else {
  for (const [way, rows] of Object.entries(table)) {
    console.log(`\n${way}: longest wait of any operation, in ms (deadline ${L2_TIMEOUT})`)
    for (const fault of Object.keys(FAULTS)) {
      const own = rows.filter((cell) => cell.fault === fault)
      const longest = own.toSorted((a, b) => b.ms - a.ms)[0]
      console.log(
        `  ${fault.padEnd(26)}${String(Math.round(longest?.ms ?? 0)).padStart(6)}  ${longest?.operation}`,
      )
    }
  }
  console.log(
    `\n${cells.length} operations, ${bad.length} not as they must be, ${unhandled} unhandled rejections`,
  )
}
for (const { fault, operation, ms, right, recovered } of bad)
  console.error(
    `${operation} while the store is "${fault}": ${Math.round(ms)} ms, right ${right}, recovered ${recovered}`,
  )
process.exitCode = bad.length > 0 || unhandled > 0 ? 1 : 0
