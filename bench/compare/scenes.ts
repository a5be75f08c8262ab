/**
 * What each scene asks of a cache. Workers and runner both read this file, so that no library
 * is measured under other conditions than its neighbour. All durations in milliseconds.
 */
export interface Scene {
  readonly title: string
  /** How long a value is fresh. */
  readonly fresh: number
  /** How long it may be served after that. */
  readonly stale: number
  /** How long the factory takes. */
  readonly work: number
  /** The first run of the factory does not settle while the scene lasts. */
  readonly firstRunSilent: boolean
  /** What a library that documents a deadline for computing a value is told; 0 leaves its default. */
  readonly deadline: number
}

const minute = 60_000

export const scenes = {
  burst: {
    title: '(a) burst: 20 concurrent requests on one cold key',
    fresh: 5 * minute,
    stale: 60 * minute,
    work: 300,
    firstRunSilent: false,
    deadline: 0,
  },
  cancelled: {
    title: '(b) cancelled leader: its client resets the connection while the factory runs',
    fresh: 5 * minute,
    stale: 60 * minute,
    work: 1000,
    firstRunSilent: false,
    // Longer than the factory takes and shorter than the hang bound: a library that can free
    // itself by its deadline has the time to do so.
    deadline: 2000,
  },
  silent: {
    title: '(b2) silent factory: its first run never settles',
    fresh: 5 * minute,
    stale: 60 * minute,
    work: 100,
    firstRunSilent: true,
    deadline: 1000,
  },
  stale: {
    title: '(c) stale-while-revalidate: an expired entry is read twice',
    fresh: 2000,
    stale: 10 * minute,
    work: 300,
    firstRunSilent: false,
    deadline: 0,
  },
} as const satisfies Record<string, Scene>

export type SceneName = keyof typeof scenes

export const sceneNames = Object.keys(scenes) as SceneName[]

/** No answer within this time is a hang. Wall clock of the runner, generous beside every deadline above. */
export const hangBound = 6000

/** What `/get` answers. `value` is the number of the factory run that made it. */
export interface GetBody {
  readonly value?: number
  readonly error?: string
}

/** What `/count` answers: how often the factory began, and how often it lived to return. */
export interface CountBody {
  readonly started: number
  readonly finished: number
}
