import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../sources.ts'

/** The runtimes that npm has installed, each by the place of its program. */
export const programs = {
  node24: join(root, 'node_modules/.bin/node'),
  node20: join(root, 'node_modules/node20/node_modules/node/bin/node'),
  deno: join(root, 'node_modules/.bin/deno'),
  bun: join(root, 'node_modules/.bin/bun'),
} as const

/** How a program is run. */
export interface Run {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** What a program has said. */
export interface Said {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program to its end, as no child of this test runner, and without colours.
 *
 * @throws Error with all that it said, if it fails.
 */
export async function runProgram(program: string, args: readonly string[], { cwd, env }: Run): Promise<Said> {
  const { NODE_OPTIONS: _options, NODE_TEST_CONTEXT: _context, FORCE_COLOR: _color, ...rest } = process.env
  // Nothing may wait for an answer, look for a newer version of itself, or count who uses it.
  const quiet = { NO_COLOR: '1', CI: '1', DENO_NO_UPDATE_CHECK: '1', DO_NOT_TRACK: '1' }
  try {
    return await promisify(execFile)(program, args, {
      cwd,
      env: { ...rest, ...quiet, ...env },
      timeout: 100_000,
      maxBuffer: 64 * 1024 * 1024,
    })
  } catch (error) {
    const { code, signal, stdout, stderr } = error as Said & { code: unknown; signal: unknown }
    const ended = `${program} ${args.join(' ')} ended with ${String(code ?? signal)}`
    // oxlint-disable-next-line preserve-caught-error -- the cause would say all of it again
    throw new Error([ended, stdout, stderr.replaceAll(/^Download .*\n/gm, '')].join('\n'))
  }
}
