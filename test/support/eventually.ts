import { vi } from 'vitest'

/** Tries again until it passes. For what other processes do; the deadline is only reached if they never do. */
export function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(attempt, { timeout: 20_000, interval: 10 })
}
