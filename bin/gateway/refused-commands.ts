import type { Command } from './command.ts'

const CONNECTION = 'it would change the connection that all requests share'
const BLOCKING = 'it would block the connection that all requests share'
const SUBSCRIPTION = 'use GET /subscribe/<channel> or /psubscribe/<pattern>'
const TRANSACTION = 'send the commands to POST /multi-exec'
const ADMINISTRATION = 'it administers the server: use a connection of your own'

const refused: Readonly<Record<string, string>> = {
  ...reasons(
    CONNECTION,
    'AUTH ASKING CLIENT HELLO MONITOR PSYNC QUIT READONLY READWRITE REPLCONF RESET SELECT SYNC',
  ),
  ...reasons(BLOCKING, 'BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN MIGRATE WAIT WAITAOF'),
  ...reasons(SUBSCRIPTION, 'SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE'),
  ...reasons(TRANSACTION, 'MULTI EXEC DISCARD WATCH UNWATCH'),
  ...reasons(
    ADMINISTRATION,
    'ACL BGREWRITEAOF BGSAVE CLUSTER CONFIG DEBUG FAILOVER MODULE PFDEBUG REPLICAOF SAVE SHUTDOWN SLAVEOF',
  ),
}

/** All of `SCRIPT` but `DEBUG`, `KILL` and what Redis might take for them. */
const SCRIPT_COMMANDS: ReadonlySet<string> = new Set(['EXISTS', 'FLUSH', 'HELP', 'LOAD'])

function reasons(reason: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(' ').map((name) => [name, reason]))
}

/** Why a command is not passed on, or `undefined` if it is. */
export function refusalOf(command: Command): string | undefined {
  const reason = Object.hasOwn(refused, command.name) ? refused[command.name] : reasonByArguments(command)
  return reason === undefined ? undefined : `ERR ${command.name} is not supported here: ${reason}`
}

function reasonByArguments({ name, args }: Command): string | undefined {
  if (name === 'SCRIPT' && !SCRIPT_COMMANDS.has(upperCase(args[0]))) return CONNECTION
  if (name !== 'XREAD' && name !== 'XREADGROUP') return undefined
  // Behind STREAMS come keys, and a key may have any name.
  const words = args.map(upperCase)
  const streams = words.indexOf('STREAMS')
  const options = streams < 0 ? words : words.slice(0, streams)
  return options.includes('BLOCK') ? BLOCKING : undefined
}

function upperCase(argument: string | Buffer | undefined): string {
  // No option is longer than this; an argument may have megabytes.
  return argument === undefined || argument.length > 16 ? '' : argument.toString().toUpperCase()
}
