// What each operation costs on each stack, counted by the servers: HTTP requests and commands for Redis, calls for a
// Durable Object and KV. `-- --json` for machines. Exits with 1 when a count is not the one of DESIGN.md.
import { parseArgs } from 'node:util'
import { openRedis } from '../../test/support/redis-server.ts'
import { PRICES } from './expected.ts'
import { type Costs, measure, OPERATIONS } from './measure.ts'
import { STACKS } from './stage.ts'

const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } })

const redis = await openRedis()
const table: Record<string, Costs> = {}
try {
  for (const stack of STACKS) table[stack] = await measure(stack, redis.url)
} finally {
  await redis.close()
}

const wrong = STACKS.flatMap((stack) =>
  OPERATIONS.filter(
    (name) => JSON.stringify(table[stack]?.[name]) !== JSON.stringify(PRICES[stack][name]),
  ).map((name) => `${stack}: ${name} costs ${JSON.stringify(table[stack]?.[name])}`),
)

if (flags.json) {
  console.log(JSON.stringify(table))
} else {
  const cell = (text: string): string => text.padStart(12)
  console.log('HTTP requests / Redis commands, or calls of the Durable Object and of KV\n')
  console.log(`${'operation'.padEnd(18)}${STACKS.map(cell).join('')}`)
  for (const name of OPERATIONS) {
    const cells = STACKS.map((stack) => {
      const { requests, commands } = table[stack]?.[name] ?? { requests: Number.NaN, commands: Number.NaN }
      return cell(stack.includes('do') ? `${requests}` : `${requests} / ${commands}`)
    })
    console.log(`${name.padEnd(18)}${cells.join('')}`)
  }
}
for (const line of wrong) console.error(line)
process.exitCode = wrong.length > 0 ? 1 : 0
