import { isCursor, isObject, isPage } from './parse-push.ts'
import type { CoordinationCalls } from '../../src/ports.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Whether a value is what a coordinator answers to an operation. For drivers whose coordinator is spoken to over a network,
 * where anything may answer.
 */
export function isReply<Name extends keyof CoordinationCalls>(
  operation: Name,
  value: unknown,
): value is Awaited<ReturnType<CoordinationCalls[Name]>> {
  return isObject(value) && REPLIES[operation](value) && isPage(value['page'])
}

const REPLIES: { readonly [Name in keyof CoordinationCalls]: (reply: Fields) => boolean } = {
  read: isRead,
  readMany: ({ entries }) => Array.isArray(entries) && entries.every(isRead),
  take: isRead,
  commit: isCommit,
  commitMany: ({ commits }) => Array.isArray(commits) && commits.every(isCommit),
  release: () => true,
  invalidate: ({ existed }) => Number.isSafeInteger(existed),
  pull: () => true,
}

function isCommit(value: unknown): boolean {
  if (!isObject(value)) return false
  const { stored, at } = value
  return typeof stored === 'boolean' && (at === undefined || Number.isSafeInteger(at))
}

function isRead(value: unknown): boolean {
  if (!isObject(value)) return false
  const { entry, stale, freshFor, staleFor, lease, leaseLeft } = value
  return (
    (lease === undefined || (isObject(lease) && isCursor(lease['grant']))) &&
    (leaseLeft === undefined || Number.isFinite(leaseLeft)) &&
    typeof stale === 'boolean' &&
    isDuration(freshFor) &&
    isDuration(staleFor) &&
    (entry === undefined || isEntry(entry))
  )
}

function isEntry(value: unknown): boolean {
  if (!isObject(value)) return false
  const { payload, version, tags, namespaces } = value
  return typeof payload === 'string' && typeof version === 'string' && isTexts(tags) && isTexts(namespaces)
}

function isDuration(value: unknown): boolean {
  return value === null || Number.isFinite(value)
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}
