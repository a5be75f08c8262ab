import { operations, type RunOperation, runPlainly } from './operations.ts'

/** Runs operations by way of another who runs them: it sees them first, and may hand them on changed. */
export type Oversee = (run: RunOperation) => RunOperation

let runs: RunOperation = runPlainly
let oversees: Oversee | undefined

/*
 * Two may want to see operations as a whole, and neither knows of the other: whoever traces them, and whoever observes
 * those of a request. In whichever order they come, the observer stands above.
 */

/** Has operations run by somebody else from now on. */
export function runBy(run: RunOperation): void {
  runs = run
  install()
}

/** Has operations seen by somebody, before whoever runs them. */
export function overseenBy(oversee: Oversee): void {
  if (oversees === oversee) return
  oversees = oversee
  install()
}

function install(): void {
  operations.run = oversees ? oversees(runs) : runs
}
