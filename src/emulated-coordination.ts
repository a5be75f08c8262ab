import { inChunks } from './chunks.ts'
import { storeKey } from './key.ts'
import { isUntouched } from './journal.ts'
import type { LocalJournal } from './local-journal.ts'
import { systemRuntime } from './runtime.ts'
import type {
  CacheDriver,
  CommitManyReply,
  CommitManyRequest,
  Coordination,
  CoordinationCalls,
  Cursor,
  Invalidation,
  IsOver,
  Names,
  ReadReply,
  ReadRequest,
} from './ports.ts'

/** Wire form of an entry in a store that keeps nothing but text: this mark, a header, the payload. */
const MARK = 'e1;'
/** When an entry was fresh that has been softly invalidated. */
const MARKED = 0
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
  // An entry is as old as what is read of it first: what this isolate does meanwhile comes after it.
  const read = async (request: ReadRequest): Promise<ReadReply> => {
    const page = journal.page(request.cursor)
    const [found] = await readEntries(driver, page.head, [request])
    return { ...(found as Found), page }
  }
  const invalidate: CoordinationCalls['invalidate'] = async ({ events, cursor }) => {
    // Told before and after: a computation of this isolate may end while the store is at work.
    journal.append(events)
    const existed = await forget(driver, events)
    journal.append(events)
    return { existed, page: journal.page(cursor) }
  }
  return {
    read,
    readMany: async ({ reads, lease, cursor }) => {
      const page = journal.page(cursor)
      const requests = reads.map((each) => ({ ...each, lease }))
      return { entries: await readEntries(driver, page.head, requests), page }
    },
    take: async (request) => {
      const reply = await read(request)
      const { page } = await invalidate({
        events: [{ kind: 'key', name: request.key, soft: false }],
        cursor: request.cursor,
      })
      return { ...reply, page }
    },
    commit: async (request, isOver) => {
      const [settled] = await settle(driver, journal, [request], isOver)
      return { ...(settled as Settled), page: journal.page(request.cursor) }
    },
    commitMany: async ({ commits, cursor }, isOver) => ({
      commits: await settle(driver, journal, commits, isOver),
      page: journal.page(cursor),
    }),
    release: async ({ cursor }) => ({ page: journal.page(cursor) }),
    invalidate,
    pull: async ({ cursor }) => ({ page: journal.page(cursor) }),
  }
}

type Found = Omit<ReadReply, 'page'>

/** Entries with the epochs of their names, in one trip; in two where only the entries tell their tags. */
async function readEntries(
  driver: CacheDriver,
  began: Cursor,
  requests: readonly ReadRequest[],
): Promise<Found[]> {
  const { entries, epochs } = await load(driver, requests)
  return requests.map((request, at) => judge(began, request, entries[at], epochs))
}

async function load(
  driver: CacheDriver,
  requests: readonly (Names & { readonly key: string })[],
): Promise<{ readonly entries: readonly (Parsed | undefined)[]; readonly epochs: Epochs }> {
  const names = unique(requests.flatMap(epochNames))
  const epochKeys = await Promise.all(names.map(async (name) => epochKey(driver, name)))
  const texts = await getTexts(driver, [...requests.map(({ key }) => key), ...epochKeys])
  const entries = texts
    .slice(0, requests.length)
    .map((text) => (text === undefined ? undefined : parse(text)))
  const known = await named(driver, names, texts.slice(requests.length))
  const untold = entries.flatMap((entry) => (entry ? missing(entry.header.epochs, known) : []))
  return { entries, epochs: { ...known, ...(await readEpochs(driver, unique(untold))) } }
}

function judge(began: Cursor, request: ReadRequest, entry: Parsed | undefined, epochs: Epochs): Found {
  const { freshFor, staleFor } = left(entry?.header, systemRuntime.now())
  const usable = request.unusable !== '*' && request.unusable !== entry?.header.version
  const valid = usable && entry !== undefined && lives(entry, request, epochs)
  const soft = Object.entries(entry?.header.epochs ?? {}).some(([name, epoch]) => epochs[name] !== epoch)
  const stale = valid && (soft || (freshFor !== null && freshFor <= 0))
  // The epochs of now travel in the grant, so that the value is stamped with those from before its factory.
  const grant = (): Cursor => {
    const names = unique([...epochNames(request), ...Object.keys(entry?.header.epochs ?? {})])
    return { seq: began.seq, id: JSON.stringify(pick(names, epochs)) }
  }
  return {
    entry: valid ? { ...entry.header, payload: entry.payload } : undefined,
    stale,
    freshFor,
    staleFor,
    lease: request.lease && (!valid || stale) ? { grant: grant() } : undefined,
  }
}

/** Whether an entry is there for a reader of these namespaces, and neither its time nor what it hangs on is over. */
function lives({ header }: Parsed, { namespaces }: Pick<Names, 'namespaces'>, epochs: Epochs): boolean {
  const { staleFor } = left(header, systemRuntime.now())
  return (
    (staleFor === null || staleFor > 0) &&
    namespaces.every((path) => header.namespaces.includes(path)) &&
    Object.entries(header.epochs).every(([name, epoch]) => name.startsWith('soft ') || epochs[name] === epoch)
  )
}

function pick(names: readonly string[], epochs: Epochs): Epochs {
  return Object.fromEntries(names.map((name) => [name, epochs[name] ?? '']))
}

type Commit = CommitManyRequest['commits'][number]
type Settled = CommitManyReply['commits'][number]

/**
 * What became of commits. Their epochs are read together: each by itself would mint those that are missing. Without a
 * payload there is nothing to write: to write what is there again would bring back what others delete meanwhile.
 */
async function settle(
  driver: CacheDriver,
  journal: LocalJournal,
  commits: readonly Commit[],
  isOver: IsOver | undefined,
): Promise<Settled[]> {
  const written = commits.filter(({ payload }) => payload !== undefined)
  const late = await readEpochs(driver, unique(written.flatMap(lateNames)))
  const drafts = commits.map((commit): Draft => {
    const { mode, payload } = commit
    const since = mode.kind === 'lease' ? mode.grant : mode.kind === 'free' ? mode.since : undefined
    return { commit, entry: payload === undefined ? undefined : composed(commit, payload, late), since }
  })
  return inChunks(drafts, 1, ([draft]) => write(driver, journal, draft as Draft, isOver))
}

/** A commit on its way into the store. */
interface Draft {
  readonly commit: Commit
  /** What is written; absent if there is nothing to keep. */
  readonly entry: Parsed | undefined
  /** What this isolate did after it speaks against the entry. */
  readonly since: Cursor | undefined
}

/** Writes an entry unless this isolate did something meanwhile that speaks against it. */
async function write(
  driver: CacheDriver,
  journal: LocalJournal,
  { commit: { key, mode, staleFor }, entry, since }: Draft,
  isOver: IsOver | undefined,
): Promise<Settled> {
  const isCurrent = (): boolean =>
    entry !== undefined &&
    (since === undefined || isUntouched({ l2Key: key, ...entry.header }, journal.page(since)))
  let stored = !isOver?.() && isCurrent()
  if (entry && stored) {
    await driver.set(key, format(entry), staleFor ?? undefined)
    stored = isCurrent()
    if (!stored) await driver.deleteMany([key])
  }
  if (stored && mode.kind !== 'lease') journal.append([{ kind: 'key', name: key, soft: false }])
  return { stored, at: journal.head().seq }
}

/** An entry as a commit makes it. */
function composed(commit: Commit, payload: string, late: Epochs): Parsed {
  const { version, tags, namespaces } = commit
  const epochs = pick(epochNames(commit), { ...late, ...epochsBefore(commit) })
  return { header: { version, ...lifeOf(commit), tags, namespaces, epochs }, payload }
}

/** Names whose epochs the computation was not told. */
function lateNames(commit: Commit): readonly string[] {
  const before = epochsBefore(commit)
  return epochNames(commit).filter((name) => before[name] === undefined)
}

/** The epochs from before the computation, where it was told them. */
function epochsBefore({ mode }: Commit): Epochs {
  return mode.kind === 'lease' ? (JSON.parse(mode.grant.id) as Epochs) : {}
}

function lifeOf({ freshFor, staleFor }: Commit): Pick<Header, 'freshUntil' | 'staleUntil'> {
  const now = systemRuntime.now()
  const until = (life: number | null): number | null => (life === null ? null : now + life)
  return { freshUntil: until(freshFor), staleUntil: until(staleFor) }
}

/**
 * Makes invalidations true in the store. Gives how many keys it found: of those that are deleted that is not asked,
 * since some stores could only tell by reading them first.
 */
async function forget(driver: CacheDriver, events: readonly Invalidation[]): Promise<number> {
  const keys = (soft: boolean): string[] =>
    events.filter((event) => event.kind === 'key' && event.soft === soft).map(({ name }) => name)
  const doomed = keys(false)
  const epochs = events.filter(({ kind }) => kind !== 'key').map(epochOf)
  const [expired] = await Promise.all([
    Promise.all(keys(true).map((key) => expire(driver, key))),
    doomed.length > 0 && driver.deleteMany(doomed),
    ...epochs.map(async (name) => driver.set(await epochKey(driver, name), systemRuntime.randomId())),
  ])
  return expired.filter(Boolean).length
}

async function expire(driver: CacheDriver, key: string): Promise<boolean> {
  const text = (await driver.get(key)) ?? undefined
  const entry = text === undefined ? undefined : parse(text)
  if (!entry) return false
  const { staleFor } = left(entry.header, systemRuntime.now())
  // Dead already: the store has kept it longer than asked, or by another clock.
  if (staleFor !== null && staleFor <= 0) return false
  await driver.set(
    key,
    format({ ...entry, header: { ...entry.header, freshUntil: MARKED } }),
    staleFor ?? undefined,
  )
  return true
}

/** The epoch that an invalidation of a tag or namespace renews. */
function epochOf({ kind, name, soft }: Invalidation): string {
  return kind === 'namespace' ? `space ${name}` : `${soft ? 'soft' : 'hard'} ${name}`
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

async function readEpochs(driver: CacheDriver, names: readonly string[]): Promise<Epochs> {
  const keys = await Promise.all(names.map(async (name) => epochKey(driver, name)))
  return named(driver, names, await getTexts(driver, keys))
}

/** Epochs by name. What is not found is new: a lost epoch invalidates, it never brings back. */
async function named(
  driver: CacheDriver,
  names: readonly string[],
  found: readonly (string | undefined)[],
): Promise<Epochs> {
  const epochs = names.map(async (name, at) => [name, found[at] ?? (await mint(driver, name))] as const)
  return Object.fromEntries(await Promise.all(epochs))
}

async function mint(driver: CacheDriver, name: string): Promise<string> {
  const minted = systemRuntime.randomId()
  try {
    await driver.set(await epochKey(driver, name), minted)
  } catch {
    // A store may limit writes of one key, and another isolate has just minted it. No later epoch equals this one.
  }
  return minted
}

/** Texts of keys, in as few calls as the driver needs. */
async function getTexts(
  driver: CacheDriver,
  keys: readonly string[],
): Promise<readonly (string | undefined)[]> {
  const texts =
    driver.getMany && keys.length > 1
      ? await driver.getMany(keys)
      : await Promise.all(keys.map(async (key) => driver.get(key)))
  return texts.map((text) => text ?? undefined)
}

/** Without a `:` or `/` in the name: a driver that keeps files takes them for folders, and one name may begin with another. */
function epochKey({ limits }: CacheDriver, name: string): string | Promise<string> {
  return storeKey(`${EPOCHS}:${encodeURIComponent(name)}`, limits)
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)]
}

function left(header: Header | undefined, now: number): { freshFor: number | null; staleFor: number | null } {
  const life = (until: number | null | undefined): number | null =>
    typeof until === 'number' ? until - now : null
  return { freshFor: life(header?.freshUntil), staleFor: life(header?.staleUntil) }
}

function format({ header, payload }: Parsed): string {
  return `${MARK}${JSON.stringify(header)}\n${payload}`
}

interface Parsed {
  readonly header: Header
  readonly payload: string
}

/** Gives `undefined` for what this version did not write. */
function parse(text: string): Parsed | undefined {
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
