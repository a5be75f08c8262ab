export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Looks again until something is there; who waits in vain is told for what. */
export async function until(what: string, look: () => boolean, limit = 15_000): Promise<void> {
  const end = Date.now() + limit
  while (!look()) {
    if (Date.now() > end) throw new Error(`waited ${limit} ms in vain: ${what}`)
    await pause(2)
  }
}
