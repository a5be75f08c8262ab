import type { Cursor, JournalEvent, Page, Push } from '../../src/ports.ts'

/** Longest message that is read at all, in UTF-16 units. */
const MAX_MESSAGE = 1_048_576

const KINDS: readonly unknown[] = ['key', 'tag', 'namespace']

/**
 * News as a coordinator pushes them, as JSON. `undefined` for anything else, which is a reason to ask: whoever pushes may
 * be of another version, or none of ours.
 */
export function parsePush(text: string): Push | undefined {
  const push: unknown = text.length <= MAX_MESSAGE ? parseJson(text) : undefined
  return isObject(push) && isCursor(push['after']) && isPage(push['page'])
    ? { after: push['after'], page: push['page'] }
    : undefined
}

/** The value of a text, or `undefined` where it is no JSON. The error of the parser would quote the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Whether a value has fields. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value names an event. */
export function isCursor(value: unknown): value is Cursor {
  return isObject(value) && Number.isSafeInteger(value['seq']) && typeof value['id'] === 'string'
}

/** Whether a value is a page: its events in order, and none past its head. */
export function isPage(value: unknown): value is Page {
  if (!isObject(value) || !isCursor(value['head'])) return false
  const { head, events } = value
  if (events === 'gap') return true
  return Array.isArray(events) && isAscending(events, head.seq)
}

function isAscending(events: readonly unknown[], last: number): boolean {
  let previous = -Infinity
  for (const event of events) {
    if (!isEvent(event) || event.seq <= previous || event.seq > last) return false
    previous = event.seq
  }
  return true
}

function isEvent(value: unknown): value is JournalEvent {
  return (
    isObject(value) &&
    KINDS.includes(value['kind']) &&
    typeof value['name'] === 'string' &&
    typeof value['soft'] === 'boolean' &&
    Number.isSafeInteger(value['seq'])
  )
}
