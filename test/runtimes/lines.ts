/** What a line of a guest's output begins with that is meant for its host. */
export const LINES = {
  /** The names of all cases, before the first of them runs. */
  plan: '@plan ',
  /** How one of them went. */
  told: '@told ',
  /** All have run. */
  end: '@end ',
  /** Addresses of servers, from the process that serves them. */
  servers: '@servers ',
  /** Where a guest that serves requests listens. */
  url: '@url ',
} as const
