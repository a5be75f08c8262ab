import type { Project } from './project.ts'
import type { AdapterName, Setup, Told } from './world.ts'

/** A runtime of the matrix. Each stands in a file of `hosts`, as `host`. */
export interface Host {
  readonly name: string
  /** The adapter that `import 'ekiben'` has to lead to. */
  readonly adapter: AdapterName
  /** Runs all cases. It ends by itself, whatever the runtime does, and leaves nothing running. */
  run(start: Start): Promise<Report>
}

export interface Start {
  readonly setup: Setup
  readonly project: Project
  /** Milliseconds after which the runtime is ended. */
  readonly deadline: number
}

/** What came of it. */
export interface Report {
  readonly version: string
  /** The names of all cases, as the runtime has them. */
  readonly plan: readonly string[]
  /** Of each that has run, how it went. */
  readonly told: readonly Told[]
  /** Why it did not run to its end, and the last it said. */
  readonly trouble?: string | undefined
}
