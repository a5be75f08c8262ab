import process from 'node:process'
import { LINES } from './lines.ts'
import { runLanes } from './run-case.ts'
import type { RuntimeCase, Setup, World } from './world.ts'

/** Runs cases in this process, tells of each on a line of its own, and ends it. */
export async function runProcess(
  casesFor: (setup: Setup) => readonly RuntimeCase[],
  means: Pick<World, 'resolved' | 'request'>,
): Promise<void> {
  const setup = JSON.parse(process.env['EKIBEN_SETUP'] ?? '') as Setup
  const cases = casesFor(setup)
  tell(
    'plan',
    cases.map(({ name }) => name),
  )
  await runLanes(cases, { ...setup, ...means }, (told) => tell('told', told))
  tell('end', {})
  process.exit(0)
}

function tell(kind: keyof typeof LINES, data: unknown): void {
  console.log(LINES[kind] + JSON.stringify(data))
}
