/** How long one request waits for what another one stores. */
const PATIENCE_MS = 5_000

/** What is being stored, by key. */
export interface PendingSets {
  /** Runs `work`, which those who read the key meanwhile wait for. */
  run(key: string, work: () => Promise<void>): Promise<void>
  /** Settles when the key is stored, or is taking too long: whoever was storing it may be gone. */
  settled(key: string): Promise<void>
}

/** Each reader waits on a timer of its own: no request hangs because another one has died. */
export function pendingSets(patience: number = PATIENCE_MS): PendingSets {
  const pending = new Map<string, { readonly since: number; readonly done: Promise<void> }>()
  return {
    async run(key, work) {
      // What never settles is not kept for ever: the oldest stand in front.
      for (const [other, { since }] of pending) {
        if (performance.now() < since + patience) break
        pending.delete(other)
      }
      const own = { since: performance.now(), done: work() }
      pending.delete(key)
      pending.set(key, own)
      try {
        await own.done
      } finally {
        // A later one may have taken its place.
        if (pending.get(key) === own) pending.delete(key)
      }
    },
    async settled(key) {
      const current = pending.get(key)
      if (!current) return
      const left = current.since + patience - performance.now()
      if (left > 0) await within(left, current.done)
      if (pending.get(key) === current && performance.now() >= current.since + patience) pending.delete(key)
    },
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  // That it failed is its owner's to tell.
  await Promise.race([work.catch(() => {}), late])
  clearTimeout(timer)
}
