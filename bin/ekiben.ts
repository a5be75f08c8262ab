#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { type Gateway, type GatewayOptions, startGateway } from './gateway.ts'

const help = `Usage: ekiben gateway [options]

Serves the HTTP protocol of Upstash in front of a Redis of your own, which needs: npm install ioredis

  --token <token>          what every request has to bring; better in EKIBEN_GATEWAY_TOKEN, out of the list of processes
  --redis <url>            redis:// or rediss://; or EKIBEN_GATEWAY_REDIS    [redis://127.0.0.1:6379]
  --port <number>          where to listen; 0 is any free port               [8079]
  --host <address>         the address to listen on                          [127.0.0.1]
  --heartbeat <ms>         between two signs of life in an event stream      [10000]
  --command-timeout <ms>   until an unanswered command fails with 503        [5000]
  --help                   this
`

const say = (line: string) => process.stdout.write(`${line}\n`)
const complain = (line: string) => process.stderr.write(`ekiben: ${line}\n`)

function argumentsOf(args: readonly string[]) {
  const text = { type: 'string' } as const
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      token: text,
      redis: text,
      port: text,
      host: text,
      heartbeat: text,
      'command-timeout': text,
      help: { type: 'boolean', short: 'h' },
    },
  })
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : text.trim() === '' ? Number.NaN : Number(text)
}

function optionsOf(flags: ReturnType<typeof argumentsOf>['values']): GatewayOptions {
  const { EKIBEN_GATEWAY_TOKEN: envToken, EKIBEN_GATEWAY_REDIS: envRedis } = process.env
  const token = flags.token ?? envToken
  if (!token) throw new Error('a token is needed: set EKIBEN_GATEWAY_TOKEN, or pass --token')
  return {
    token,
    redis: flags.redis ?? envRedis,
    host: flags.host,
    port: numberOf(flags.port),
    heartbeat: numberOf(flags.heartbeat),
    commandTimeout: numberOf(flags['command-timeout']),
    log: complain,
  }
}

function closeOnSignal(gateway: Gateway): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      gateway.close().catch((error: unknown) => complain(messageOf(error)))
    })
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = argumentsOf(args)
  if (values.help) {
    process.stdout.write(help)
    return
  }
  const [command = '(none)', ...rest] = positionals
  if (command !== 'gateway')
    throw new Error(`unknown command ${command}: the only one is gateway, see --help`)
  if (rest.length > 0) throw new Error('gateway takes options only, see --help')
  const gateway = await startGateway(optionsOf(values))
  closeOnSignal(gateway)
  say(`ekiben gateway listens on ${gateway.url}`)
}

try {
  await run(process.argv.slice(2))
} catch (error) {
  complain(messageOf(error))
  process.exitCode = 1
}
