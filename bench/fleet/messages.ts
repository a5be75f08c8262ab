/** What the scenes and the Worker of `workers/isolate.ts` say to each other. Moments are milliseconds of the wall clock. */
import type { StoreOptions } from '../../src/options.ts'

/** What an isolate is started with. */
export interface Bindings {
  /** Address and token of Redis over HTTP. */
  readonly REDIS_URL: string
  readonly REDIS_TOKEN: string
  /** Where its factories get their values. */
  readonly ORIGIN: string
  readonly OPTIONS: StoreOptions
}

/** One `getOrSet`. */
export interface Ask {
  readonly key: string
  readonly tags?: readonly string[]
  /** The origin takes so many milliseconds. */
  readonly ms?: number
  /** Not before this moment: many requests can then ask at once. */
  readonly at?: number
  /** The answer is kept back until this moment: sending it must not take the machine from those who still wait. */
  readonly hold?: number
}

/** A value, as the origin makes it. */
export interface Made {
  readonly version: number
  /** Number of the run that made it. */
  readonly run: number
  /** How long the factory took in its isolate. */
  readonly took: number
}

export interface Answer {
  readonly value: Made
  /** When `getOrSet` was called and when it gave the value, by the isolate's own clock. */
  readonly asked: number
  readonly answered: number
}

export interface Invalidation {
  readonly tag?: string
  readonly clear?: boolean
}

export interface Acknowledgement {
  readonly acknowledged: boolean
  readonly at: number
}

/** Steps of the trace so far, by type. */
export type Steps = Readonly<Record<string, number>>
