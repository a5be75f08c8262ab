/**
 * The shard of a name: a hash of its first segment, the text before the first colon. So a namespace lies in one shard
 * with all below it, and a parent that reads its entries as `users:1` looks where they are.
 *
 * A change of this function moves entries between shards, which leaves those that are stored out of reach.
 */
export function shardOf(name: string, count: number): number {
  const end = name.indexOf(':')
  const length = end < 0 ? name.length : end
  // FNV-1a, and a last mix: its low bits alone would follow those of the text.
  let hash = 0x811c9dc5
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return ((hash ^ (hash >>> 16)) >>> 0) % count
}
