import { touches } from './journal.ts'
import type { LocalJournal } from './local-journal.ts'
import { systemRuntime } from './runtime.ts'
import type {
  CacheDriver,
  CommitRequest,
  Coordination,
  CoordinationCalls,
  Invalidation,
  Names,
  ReadReply,
  ReadRequest,
} from './ports.ts'

/** Wire form of an entry in a store that keeps nothing but text: this mark, a header, the payload. */
const MARK = 'e1;'
/** Where epochs live among the keys of the store. */
const EPOCHS = '___ekiben'

type Epochs = Readonly<Record<string, string>>

interface Header {
  readonly version: string
  readonly freshUntil: number | null
  readonly staleUntil: number | null
  readonly tags: readonly string[]
  readonly namespaces: readonly string[]
  readonly epochs: Epochs
}

/**
 * As much coordination as a plain driver can give. Epochs are ordinary keys, read with the entry, or after it where
 * only the entry tells its tags. There is no lease: each isolate computes for itself. There is no journal but the
 * isolate's own: what others invalidate is seen when L1's short life ends, or when a bus tells the journal. Times are
 * this machine's.
 */
export function emulatedCoordination(driver: CacheDriver, journal: LocalJournal): Coordination {
  const read = (request: ReadRequest): Promise<ReadReply> => readEntry(driver, journal, request)
  const invalidate: CoordinationCalls['invalidate'] = async ({ events, cursor }) => {
    // Told before and after: a computation of this isolate may end while the store is at work.
    journal.append(events)
    const existed = await Promise.all(events.map((event) => forget(driver, event)))
    journal.append(events)
    return { existed: existed.filter(Boolean).length, page: journal.page(cursor) }
  }
  return {
    read,
    readMany: async ({ reads, cursor }) => ({
      entries: await Promise.all(reads.map((names) => read({ ...names, cursor }))),
      page: journal.page(cursor),
    }),
    take: async (request) => {
      const reply = await read(request)
      const { page } = await invalidate({
        events: [{ kind: 'key', name: request.key, soft: false }],
        cursor: request.cursor,
      })
      return { ...reply, page }
    },
    commit: async (request) => {
      let stored = isCurrent(journal, request)
      if (stored) await writeEntry(driver, request)
      if (stored && !isCurrent(journal, request)) {
        stored = false
        await driver.delete(request.key)
      }
      if (stored && request.mode.kind !== 'lease')
        journal.append([{ kind: 'key', name: request.key, soft: false }])
      return { stored, at: journal.head().seq, page: journal.page(request.cursor) }
    },
    release: async ({ cursor }) => ({ page: journal.page(cursor) }),
    invalidate,
    pull: async ({ cursor }) => ({ page: journal.page(cursor) }),
  }
}

async function readEntry(
  driver: CacheDriver,
  journal: LocalJournal,
  request: ReadRequest,
): Promise<ReadReply> {
  const [text, known] = await Promise.all([driver.get(request.key), readEpochs(driver, epochNames(request))])
  const entry = text === undefined || text === null ? undefined : parse(text)
  const epochs = entry
    ? { ...known, ...(await readEpochs(driver, missing(entry.header.epochs, known))) }
    : known
  const now = systemRuntime.now()
  const { freshFor, staleFor } = left(entry?.header, now)
  const valid =
    entry !== undefined &&
    (staleFor === null || staleFor > 0) &&
    entry.header.version !== request.unusable &&
    request.unusable !== '*' &&
    request.namespaces.every((path) => entry.header.namespaces.includes(path)) &&
    Object.entries(entry.header.epochs).every(
      ([name, epoch]) => name.startsWith('soft ') || epochs[name] === epoch,
    )
  const soft = Object.entries(entry?.header.epochs ?? {}).some(([name, epoch]) => epochs[name] !== epoch)
  return {
    entry: valid ? { ...entry.header, payload: entry.payload } : undefined,
    stale: valid && (soft || (freshFor !== null && freshFor <= 0)),
    freshFor,
    staleFor,
    // The epochs of now travel in the grant, so that the value is stamped with those from before its factory.
    lease: request.lease ? { grant: { seq: journal.head().seq, id: JSON.stringify(epochs) } } : undefined,
    page: journal.page(request.cursor),
  }
}

async function writeEntry(driver: CacheDriver, request: CommitRequest): Promise<void> {
  const { key, version, payload, freshFor, staleFor, tags, namespaces, mode } = request
  const before = mode.kind === 'lease' ? (JSON.parse(mode.grant.id) as Epochs) : {}
  const names = epochNames(request)
  const late = await readEpochs(
    driver,
    names.filter((name) => before[name] === undefined),
  )
  const epochs = Object.fromEntries(names.map((name) => [name, before[name] ?? late[name] ?? '']))
  const now = systemRuntime.now()
  const until = (life: number | null): number | null => (life === null ? null : now + life)
  const header: Header = {
    version,
    freshUntil: until(freshFor),
    staleUntil: until(staleFor),
    tags,
    namespaces,
    epochs,
  }
  await driver.set(key, format(header, payload), staleFor ?? undefined)
}

/** Whether nothing this isolate did since the value's computation began speaks against it. */
function isCurrent(journal: LocalJournal, { key, tags, namespaces, mode }: CommitRequest): boolean {
  if (mode.kind === 'set') return true
  const { events } = journal.page(mode.kind === 'lease' ? mode.grant : mode.since)
  if (events === 'gap') return false
  return !events.some((event) => touches(event, { l2Key: key, tags, namespaces }))
}

/** Makes an invalidation true in the store; gives whether an entry was there, where that is known. */
async function forget(driver: CacheDriver, { kind, name, soft }: Invalidation): Promise<boolean> {
  if (kind === 'key') return soft ? expire(driver, name) : driver.delete(name)
  await driver.set(
    epochKey(kind === 'namespace' ? `space ${name}` : `${soft ? 'soft' : 'hard'} ${name}`),
    systemRuntime.randomId(),
  )
  return false
}

async function expire(driver: CacheDriver, key: string): Promise<boolean> {
  const text = (await driver.get(key)) ?? undefined
  const entry = text === undefined ? undefined : parse(text)
  if (!entry) return false
  const { staleFor } = left(entry.header, systemRuntime.now())
  await driver.set(key, format({ ...entry.header, freshUntil: 0 }, entry.payload), staleFor ?? undefined)
  return true
}

function epochNames({ tags, namespaces }: Names): readonly string[] {
  return [
    ...tags.flatMap((tag) => [`hard ${tag}`, `soft ${tag}`]),
    ...namespaces.map((path) => `space ${path}`),
  ]
}

function missing(stored: Epochs, known: Epochs): readonly string[] {
  return Object.keys(stored).filter((name) => known[name] === undefined)
}

/** What is not found is new: a lost epoch invalidates, it never brings back. */
async function readEpochs(driver: CacheDriver, names: readonly string[]): Promise<Epochs> {
  const epochs = names.map(async (name): Promise<readonly [string, string]> => {
    const found = await driver.get(epochKey(name))
    if (found !== undefined && found !== null) return [name, found]
    const minted = systemRuntime.randomId()
    await driver.set(epochKey(name), minted)
    return [name, minted]
  })
  return Object.fromEntries(await Promise.all(epochs))
}

function epochKey(name: string): string {
  return `${EPOCHS}:${name}`
}

function left(header: Header | undefined, now: number): { freshFor: number | null; staleFor: number | null } {
  const life = (until: number | null | undefined): number | null =>
    typeof until === 'number' ? until - now : null
  return { freshFor: life(header?.freshUntil), staleFor: life(header?.staleUntil) }
}

function format(header: Header, payload: string): string {
  return `${MARK}${JSON.stringify(header)}\n${payload}`
}

/** Gives `undefined` for what this version did not write. */
function parse(text: string): { header: Header; payload: string } | undefined {
  const end = text.indexOf('\n')
  if (!text.startsWith(MARK) || end < 0) return undefined
  try {
    const header = JSON.parse(text.slice(MARK.length, end)) as Partial<Header> | null
    const sound =
      Array.isArray(header?.tags) && Array.isArray(header.namespaces) && typeof header.epochs === 'object'
    return sound ? { header: header as Header, payload: text.slice(end + 1) } : undefined
  } catch {
    return undefined
  }
}
