import type { Operation } from './stack.ts'

/** Runs the work of an operation. */
export type RunOperation = <O extends Operation, Given extends unknown[], Result>(
  work: (operation: O, ...given: Given) => Promise<Result>,
  operation: O,
  ...given: Given
) => Promise<Result>

/** Just that: what happens while nobody watches. */
export const runPlainly: RunOperation = (work, operation, ...given) => work(operation, ...given)

/**
 * Who runs operations. Whoever wants to see them as a whole takes this place for as long as somebody watches; the core
 * knows nothing of it, so those who never watch do not carry what watches.
 */
export const operations: { run: RunOperation } = { run: runPlainly }
