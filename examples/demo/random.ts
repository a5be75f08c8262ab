/** Random numbers that are the same in every run, and the skew of real traffic. */

/** A number in [0, 1). */
export type Random = () => number

/** Mulberry32: 32 bits of state are plenty to choose a few thousand requests. */
export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Picks from `items` so that the nth is asked for about 1/n as often as the first. */
export function zipf<Item>(items: readonly Item[], random: Random): () => Item {
  let sum = 0
  const upTo = items.map((_, rank) => (sum += 1 / (rank + 1)))
  return () => {
    const drawn = random() * sum
    let low = 0
    let high = upTo.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((upTo[middle] ?? 0) > drawn) high = middle
      else low = middle + 1
    }
    const item = items[low]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
}
