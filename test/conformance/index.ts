/**
 * What a driver or a bus must do, as cases that any test runner can run: Vitest in Node and in workerd, `node --test`,
 * `deno test`, `bun test`.
 *
 * @module
 */
export { busCases } from './bus-cases.ts'
export type { ConformanceCase, Open, OpenedBus, OpenedClock, OpenedStore } from './conformance-case.ts'
export { driverCases } from './driver-cases.ts'
