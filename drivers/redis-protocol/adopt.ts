import { seal } from '../../src/payload.ts'
import type { Names } from '../../src/ports.ts'
import type { Evaluate } from './evaluate.ts'
import type { KeyNames } from './names.ts'
import { SCRIPTS } from './scripts.ts'
import type { Verdicts } from './wire.ts'

/** An entry as Bentocache 1.x writes it, with its JSON serializer. */
interface BentocacheEntry {
  readonly value: unknown
  readonly createdAt: number
  readonly tags?: readonly string[]
}

/**
 * Takes over an entry that Bentocache wrote, so that a store need not be filled again. One with tags costs a second
 * look: when they were deleted is noted under keys of their own, that only the entry names.
 */
export async function adopt(
  evaluate: Evaluate,
  { keys, names, body }: { readonly keys: KeyNames; readonly names: Names; readonly body: string },
  verdict: Omit<Verdicts, 'entry'> & { readonly version: string },
): Promise<Verdicts> {
  const { version, ...times } = verdict
  const entry = parse(body)
  const path = names.namespaces.at(-1) ?? ''
  const tags = entry?.tags ?? []
  const absent = { stale: false, freshFor: 0, staleFor: 0 }
  if (!entry || (tags.length > 0 && (await deletedAt(evaluate, keys, path, tags)) >= entry.createdAt))
    return absent
  const payload = seal({ created: entry.createdAt, text: JSON.stringify(entry.value) })
  const own = { tags: tags.map((tag) => `${path}#${tag}`), namespaces: names.namespaces }
  return { entry: { payload, version, ...own }, ...times }
}

/** When the last of the tags was deleted, by the wall clock of who did it. */
async function deletedAt(
  evaluate: Evaluate,
  keys: KeyNames,
  path: string,
  tags: readonly string[],
): Promise<number> {
  const markers = tags.map((tag) => keys.entry(`${path === '' ? '' : `${path}:`}___bc:t:${tag}`))
  const texts = await evaluate(SCRIPTS.markers, markers, [])
  return Math.max(...texts.map((text) => Number(parse(text)?.value ?? 0)))
}

function parse(text: string): BentocacheEntry | undefined {
  try {
    const entry = JSON.parse(text) as Partial<BentocacheEntry> | null
    const { value, createdAt, tags = [] } = entry ?? {}
    const sound = value !== undefined && typeof createdAt === 'number' && Array.isArray(tags)
    return sound ? { value, createdAt, tags } : undefined
  } catch {
    return undefined
  }
}
