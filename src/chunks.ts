/** Requests under way at a time. Workers opens six connections for a request and lets the others wait. */
const AT_A_TIME = 6

/**
 * Runs `run` on parts of a list that are no longer than `size`, at most six at a time; results in the order of the
 * parts. One part needs no splitting, none runs nothing.
 */
export async function inChunks<Item, Result>(
  items: readonly Item[],
  size: number,
  run: (part: readonly Item[]) => Promise<Result>,
): Promise<Result[]> {
  const parts: (readonly Item[])[] = []
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size))
  const results: Result[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = next++; at < parts.length; at = next++)
      results[at] = await run(parts[at] as readonly Item[])
  }
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, parts.length) }, work))
  return results
}
