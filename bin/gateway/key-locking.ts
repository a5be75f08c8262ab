import { createHash } from 'node:crypto'
import type { Command } from './command.ts'

const FLAG = 'allow-key-locking'
const MOST = 1000

/**
 * Upstash runs scripts side by side if they carry the flag `allow-key-locking`; Redis, which runs one at a time anyway,
 * refuses a flag it does not know. So it is taken out, and a script is then known by another hash than the one its
 * sender computes: hashes of what was seen are translated, and one that was not seen is answered NOSCRIPT as usual.
 */
export class KeyLocking {
  readonly #hashes = new Map<string, string>()

  translate(command: Command): Command {
    const { name, args } = command
    if (name === 'EVAL' || name === 'EVAL_RO') return { name, args: this.#withScript(args, 0) }
    if (name === 'EVALSHA' || name === 'EVALSHA_RO') return { name, args: this.#withHashes(args, 0, 1) }
    if (name !== 'SCRIPT' || args.length < 2) return command
    const subcommand = String(args[0]).toUpperCase()
    if (subcommand === 'LOAD') return { name, args: this.#withScript(args, 1) }
    return subcommand === 'EXISTS' ? { name, args: this.#withHashes(args, 1, args.length) } : command
  }

  #withScript(args: Command['args'], index: number): Command['args'] {
    const script = args[index]
    if (script === undefined || !script.includes(FLAG)) return args
    const plain = withoutFlag(script.toString())
    if (plain === undefined) return args
    this.#learn(hashOf(script), hashOf(plain))
    return args.with(index, plain)
  }

  #withHashes(args: Command['args'], from: number, to: number): Command['args'] {
    if (this.#hashes.size === 0) return args
    return args.map((argument, index) => {
      if (index < from || index >= to) return argument
      return this.#hashes.get(argument.toString().toLowerCase()) ?? argument
    })
  }

  #learn(from: string, to: string): void {
    const [oldest] = this.#hashes.keys()
    if (oldest !== undefined && this.#hashes.size >= MOST) this.#hashes.delete(oldest)
    this.#hashes.set(from, to)
  }
}

/** The script without the flag in its first line, or `undefined` if it has none there. */
function withoutFlag(script: string): string | undefined {
  const end = script.indexOf('\n')
  const words = (end < 0 ? script : script.slice(0, end)).split(' ')
  const at = words.findIndex((word) => word.startsWith('flags='))
  const flags = words[at]?.slice('flags='.length).split(',') ?? []
  if (!words[0]?.startsWith('#!') || !flags.includes(FLAG)) return undefined
  const left = flags.filter((flag) => flag !== FLAG).join(',')
  const line = left === '' ? words.toSpliced(at, 1) : words.with(at, `flags=${left}`)
  return line.join(' ') + (end < 0 ? '' : script.slice(end))
}

function hashOf(script: string | Buffer): string {
  return createHash('sha1').update(script).digest('hex')
}
