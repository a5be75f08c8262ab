import { InvalidOptionError } from '../../src/errors.ts'
import type { CommitManyRequest, Invalidation, Names, ReadManyRequest, ReadRequest } from '../../src/ports.ts'

/**
 * Checks a key with its names.
 *
 * All checks here are cheap: types, never contents. They keep a caller with another version or another language from
 * writing rows nobody can read. Cursors are not checked: a bad one is simply not in the journal. All throw
 * {@link InvalidOptionError} (`E_INVALID_OPTION`), which names the field and never its value.
 */
export function checkNamed(request: Names & { readonly key: string }): void {
  checkKey(request)
  checkTexts(request.tags, 'tags')
  checkTexts(request.namespaces, 'namespaces')
}

/** Checks a read. */
export function checkRead(request: ReadRequest): void {
  checkNamed(request)
  checkLease(request.lease)
}

/** Checks a list of reads. */
export function checkReadMany({ reads, lease }: ReadManyRequest): void {
  checkList(reads, 'reads')
  for (const read of reads) {
    checkObject(read, 'reads')
    checkNamed(read)
  }
  checkLease(lease)
}

function checkLease(lease: ReadRequest['lease']): void {
  if (lease === undefined) return
  checkObject(lease, 'lease')
  checkText(lease.token, 'lease.token')
  const { ttl } = lease
  if (!(Number.isFinite(ttl) && ttl > 0)) refuse(ttl, 'lease.ttl', 'a number of milliseconds over 0')
}

/** Checks a commit. */
export function checkCommit(request: CommitManyRequest['commits'][number]): void {
  checkNamed(request)
  const { keeps, payload } = request
  for (const field of ['op', 'version'] as const) checkText(request[field], field)
  if (keeps !== undefined) checkText(keeps, 'keeps')
  if (keeps === undefined || payload !== undefined) checkText(payload, 'payload')
  for (const field of ['freshFor', 'staleFor'] as const) {
    const duration = request[field]
    if (duration !== null && !Number.isFinite(duration)) refuse(duration, field, 'milliseconds or null')
  }
  const mode: unknown = request.mode
  if (!isOneOf((mode as { kind?: unknown } | undefined)?.kind, ['lease', 'free', 'set'])) {
    refuse(mode, 'mode', 'lease, free or set')
  }
  if (request.mode.kind === 'lease') checkText(request.mode.token, 'mode.token')
}

/** Checks a list of commits. */
export function checkCommits(commits: CommitManyRequest['commits']): void {
  checkList(commits, 'commits')
  const keys = new Set<string>()
  for (const commit of commits) {
    checkObject(commit, 'commits')
    checkCommit(commit)
    if (keys.size === keys.add(commit.key).size) refuse(commits, 'commits.key', 'each key once')
  }
}

/** Checks a list of invalidations. */
export function checkEvents(events: readonly Invalidation[]): void {
  if (!Array.isArray(events)) refuse(events, 'events', 'a list')
  for (const event of events) {
    if (!isOneOf(event?.kind, ['key', 'tag', 'namespace'])) {
      refuse(event?.kind, 'events.kind', 'key, tag or namespace')
    }
    checkText(event.name, 'events.name')
    if (typeof event.soft !== 'boolean') refuse(event.soft, 'events.soft', 'true or false')
  }
}

/** Checks what gives a lease back. */
export function checkRelease(request: { readonly key: string; readonly token: string }): void {
  checkKey(request)
  checkText(request.token, 'token')
}

/** Checks that something has fields at all. */
export function checkObject(value: unknown, option: string): asserts value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(value, option, 'an object')
}

function checkList(list: unknown, option: string): void {
  if (!Array.isArray(list)) refuse(list, option, 'a list')
}

function checkKey(request: { readonly key: string }): void {
  checkText(request.key, 'key')
}

function checkTexts(list: readonly string[], option: string): void {
  checkList(list, option)
  for (const text of list) checkText(text, option)
}

function checkText(text: unknown, option: string): void {
  if (!isWellFormed(text)) refuse(text, option, 'well-formed text')
}

/** SQLite stores UTF-8, where a lone surrogate has no form: two different names would become one. */
export function isWellFormed(text: unknown): text is string {
  return typeof text === 'string' && !/\p{Surrogate}/u.test(text)
}

function isOneOf(value: unknown, allowed: readonly string[]): boolean {
  return typeof value === 'string' && allowed.includes(value)
}

/** Names the field, and of its value no more than the kind. */
export function refuse(value: unknown, option: string, allowed: string): never {
  const received = value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
  throw new InvalidOptionError({ option, received, allowed })
}
