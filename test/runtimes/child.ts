/** A process with a deadline, whose last words are kept. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../sources.ts'
import { runProgram } from '../support/programs.ts'

/** Characters of what a process said that are shown. */
const LAST_WORDS = 4000

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

export interface Child {
  /** Settles when it has ended: with `undefined` if all is well, else with what happened and what it said last. */
  readonly ended: Promise<string | undefined>
  /** Ends its input, by which it sees that nobody needs it any more. */
  release(): void
  kill(): void
}

/** What a program calls itself. @throws naming what installs it, where it is not there. */
export async function versionOf(program: string): Promise<string> {
  if (!existsSync(program)) throw new Error(`${relative(root, program)} is not there: npm install`)
  const { stdout } = await runProgram(program, ['--version'], { cwd: root })
  return stdout.trim().split(/[\n(]/)[0]?.trim() ?? ''
}

/** Starts a process, and ends it at the latest after `deadline` milliseconds, or with this process. */
export function startChild(
  { file, args, cwd, env }: Command,
  deadline: number,
  onLine: (line: string) => void,
): Child {
  // Only what it needs: no options of this Node.
  const { PATH = '', HOME = '' } = process.env
  const quiet = { NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1' }
  const child = spawn(file, args, {
    cwd,
    env: { PATH, HOME, ...quiet, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: what it starts is ended with it.
    detached: true,
  })
  let words = ''
  let late = false
  const say = (text: string): void => void (words = (words + text).slice(-LAST_WORDS))
  child.stderr.setEncoding('utf8').on('data', say)
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => (line.startsWith('@') ? onLine(line) : say(`${line}\n`)))
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
  const timer = setTimeout(() => {
    late = true
    kill()
  }, deadline)
  process.once('exit', kill)
  const ended = new Promise<string | undefined>((resolve) => {
    const end = (why: string | undefined): void => {
      clearTimeout(timer)
      process.off('exit', kill)
      resolve(
        why === undefined ? undefined : `${why}${words === '' ? '' : `; it said last:\n${words.trimEnd()}`}`,
      )
    }
    child.once('error', (error) => end(`it could not be started: ${error.message}`))
    child.once('close', () => end(late ? `it was ended after ${deadline} ms` : howItEnded(child)))
  })
  return { ended, release: () => void child.stdin.end(), kill }
}

function howItEnded({ exitCode, signalCode }: ChildProcess): string | undefined {
  if (signalCode) return `it ended by ${signalCode}`
  return exitCode === 0 ? undefined : `it ended with code ${exitCode}`
}
