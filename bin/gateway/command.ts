import { malformed } from './refusal.ts'
import { bytesOf, parameterBytesOf, type Target } from './target.ts'

/** A command for Redis: its name in capitals, and its arguments. */
export interface Command {
  readonly name: string
  readonly args: readonly (string | Buffer)[]
}

/** `["SET", "key", 1]`, as in the body of `POST /`. */
export function commandOf(parsed: unknown): Command {
  if (!Array.isArray(parsed)) throw malformed('a command is a JSON array: its name and its arguments')
  const [name, ...args] = parsed.map(argumentOf)
  if (!name) throw malformed('empty command')
  return { name: nameOf(name), args }
}

/** `[["SET", "key", 1], ["GET", "key"]]`, as in the bodies of `POST /pipeline` and `POST /multi-exec`. */
export function commandsOf(parsed: unknown): Command[] {
  if (!Array.isArray(parsed)) throw malformed('a pipeline is a JSON array of commands')
  if (parsed.length === 0) throw malformed('empty pipeline')
  return parsed.map(commandOf)
}

/** `/set/key?EX=100`: the body is the last argument before what the query adds. */
export function pathCommandOf({ segments, parameters }: Target, body: Buffer): Command {
  const [name, ...args] = segments.map(bytesOf)
  if (!name?.length) throw malformed('empty command')
  if (body.length > 0) args.push(body)
  return { name: nameOf(name.toString()), args: [...args, ...parameters.map(parameterBytesOf)] }
}

/**
 * A name that Redis and the gateway read alike. Redis ends names at a NUL when it looks them up, so one with a NUL behind
 * it could be a command that is refused here.
 */
function nameOf(name: string): string {
  if (!/^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(name)) throw malformed('this is no name of a command')
  return name.toUpperCase()
}

/** Parses a body, which must be UTF-8. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    // The parser's own message quotes the body.
    throw malformed('the body is not JSON in UTF-8')
  }
}

function argumentOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw malformed('the parts of a command are strings, numbers or booleans')
}
