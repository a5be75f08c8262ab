import { startChild, versionOf } from './child.ts'
import type { Host, Report } from './host.ts'
import { LINES } from './lines.ts'
import type { AdapterName, Told } from './world.ts'

export interface ProcessRuntime {
  readonly name: string
  readonly adapter: AdapterName
  readonly program: string
  /** What comes before the module to run. */
  readonly args?: readonly string[]
  /** The module of the tests that it runs. */
  readonly guest?: string
  /** What the program must call itself. */
  readonly version?: RegExp
}

/** A runtime whose processes outlive requests. It resolves the package itself, in a project of a user's. */
export function processHost(runtime: ProcessRuntime): Host {
  const {
    name,
    adapter,
    program,
    args = [],
    guest = 'runtimes/guests/process.ts',
    version: expected,
  } = runtime
  return {
    name,
    adapter,
    run: async ({ setup, project, deadline }) => {
      const version = await versionOf(program)
      if (expected && !expected.test(version)) throw new Error(`${name} is ${version}: npm install`)
      const module = await project.writeModule(guest)
      const heard = listen()
      const env = { EKIBEN_SETUP: JSON.stringify(setup) }
      const command = { file: program, args: [...args, module], cwd: project.folder, env }
      const trouble = await startChild(command, deadline, heard.onLine).ended
      return heard.report(version, trouble)
    },
  }
}

/** Makes a report of the lines of a guest. */
function listen(): {
  onLine(line: string): void
  report(version: string, trouble: string | undefined): Report
} {
  let plan: string[] = []
  let ended = false
  const told: Told[] = []
  return {
    onLine: (line) => {
      if (line.startsWith(LINES.plan)) plan = JSON.parse(line.slice(LINES.plan.length))
      if (line.startsWith(LINES.told)) told.push(JSON.parse(line.slice(LINES.told.length)))
      if (line.startsWith(LINES.end)) ended = true
    },
    report: (version, trouble) => ({
      version,
      plan,
      told,
      trouble: trouble ?? (ended ? undefined : 'it ended without a word before all cases had run'),
    }),
  }
}
