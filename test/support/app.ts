import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, afterEach, beforeAll, onTestFailed, onTestFinished } from 'vitest'
import { root } from '../sources.ts'
import { endWithThisProcess, signalGroup } from './process-group.ts'

/** How a process that serves HTTP is started. */
export interface AppOptions {
  /** The program and its arguments; programs that npm has installed are found first. */
  readonly command: readonly [string, ...string[]]
  /** From the root of the project, where it runs by itself. */
  readonly cwd?: string
  /** Beside the environment of the tests. `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** What it says once it listens. The first group is its address. @default the first http:// in what it says */
  readonly listens?: RegExp
}

/** How a process has ended: by a code or by a signal. */
export interface End {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A process that serves HTTP. */
export interface App {
  /** Where it listens, without a slash at the end. */
  readonly url: string
  /** What it has said on both streams, without colours. */
  output(): string
  /** Waits until it has said that. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** Sends a signal to the process itself, not to what it has started. */
  signal(signal: NodeJS.Signals): void
  /** Settles when the process itself has ended, however that came. */
  readonly ended: Promise<End>
  /** Ends it and all that it has started, as Ctrl+C does; kills what does not end by that. */
  close(): Promise<void>
}

const WAIT_MS = 45_000
/** Between Ctrl+C and the end. */
const PATIENCE_MS = 3_000

/**
 * Starts a process in a group of its own and waits until it says where it listens.
 *
 * @throws Error with all that it said, if it ends before or says nothing of the kind; nothing of it is left then.
 */
export async function startApp(options: AppOptions): Promise<App> {
  const { listens = /\b(https?:\/\/[\w.[\]:-]+:\d+)/ } = options
  const { output, says, child, ended } = run(options)
  const close = async (): Promise<void> => {
    const over = ended.catch(() => {})
    signalGroup(child, 'SIGINT')
    await Promise.race([over, sleep(PATIENCE_MS, undefined, { ref: false })])
    signalGroup(child, 'SIGKILL')
    await over
  }
  try {
    const [, url = ''] = await says(listens)
    return { url, output, says, signal: (signal) => child.kill(signal), ended, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** One for the running test. It ends with the test; what it said is shown if that fails. */
export async function appForTest(options: AppOptions): Promise<App> {
  const app = await startApp(options)
  onTestFinished(() => app.close())
  onTestFailed(() => show(app, options))
  return app
}

/** One for the tests of a file or of a `describe`; what it said is shown with each that fails. */
export function appForTests(options: () => AppOptions | Promise<AppOptions>): () => App {
  let started: AppOptions
  let app: App | undefined
  const get = (): App => {
    if (!app) throw new Error('the app runs only while the tests do')
    return app
  }
  beforeAll(async () => {
    started = await options()
    app = await startApp(started)
  }, 2 * WAIT_MS)
  afterEach(({ task }) => {
    if (task.result?.state === 'fail' && app) show(app, started)
  })
  afterAll(() => app?.close())
  return get
}

interface Run {
  readonly child: ChildProcess
  readonly ended: Promise<End>
  output(): string
  says(pattern: RegExp): Promise<RegExpExecArray>
}

function run({ command, cwd = '.', env = {} }: AppOptions): Run {
  const [program, ...args] = command
  const child = spawn(program, args, {
    cwd: join(root, cwd),
    env: environment(env),
    // A group of its own, so that what it starts can be ended with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text += String(data)))
  const output = (): string => stripVTControlCharacters(text)
  let end: End | undefined
  const ended = endOf(child)
  // Who asks how it ended is told; nobody may ask.
  ended.then((is) => (end = is)).catch(() => {})
  endWithThisProcess(child)
  const failure = (what: string): Error =>
    new Error(`${command.join(' ')}: ${what}. It said:\n${output() || '(nothing)'}`)
  return {
    child,
    ended,
    output,
    async says(pattern) {
      const deadline = performance.now() + WAIT_MS
      for (;;) {
        const said = pattern.exec(output())
        if (said) return said
        if (end) throw failure(`ended with ${end.code ?? end.signal} before it said ${pattern}`)
        if (performance.now() > deadline) throw failure(`did not say ${pattern} within ${WAIT_MS} ms`)
        if (child.pid === undefined) await ended
        await sleep(10)
      }
    },
  }
}

/** Settles when the process is over and all it said has come. Rejects if it could not be started. */
async function endOf(child: ChildProcess): Promise<End> {
  // What it has left behind would hold the streams open.
  child.on('exit', () => signalGroup(child, 'SIGKILL'))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal }
}

/** As `npm run` gives it, and without what the test runner put there for its own processes. */
function environment(more: NonNullable<AppOptions['env']>): NodeJS.ProcessEnv {
  const {
    NODE_OPTIONS: _options,
    NODE_ENV: _mode,
    VITEST: _vitest,
    FORCE_COLOR: _color,
    ...own
  } = process.env
  const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  return { ...own, PATH: path, NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false', ...more }
}

function show(app: App, { command }: AppOptions): void {
  process.stderr.write(`\n${command.join(' ')} said:\n${app.output()}\n`)
}
