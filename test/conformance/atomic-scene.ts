import type { AtomicCalls } from '../../src/ports.ts'
import type { ConformanceCase, OpenedClock } from './conformance-case.ts'

/** Two isolates and what they ask of one store. */
export interface AtomicScene {
  readonly a: AtomicCalls
  readonly b: AtomicCalls
  pass(ms: number): Promise<void>
}

/** A case before it is known where its calls come from. */
export interface AtomicCase {
  readonly name: string
  run(scene: AtomicScene): Promise<void>
}

/** Makes a case of any opened thing that takes atomic steps. */
export function atomicCaseOver<Opened extends OpenedClock>(
  { name, run }: AtomicCase,
  connect: (opened: Opened) => AtomicCalls,
): ConformanceCase<Opened> {
  return {
    name,
    run: async (open) => {
      const opened = await open()
      try {
        await run({ a: connect(opened), b: connect(opened), pass: async (ms) => opened.pass(ms) })
      } finally {
        await opened.close?.()
      }
    },
  }
}
