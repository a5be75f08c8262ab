import { InvalidOptionError } from './errors.ts'

/** Milliseconds, a text such as `'2.5h'`, or `null` for ever. */
export type Duration = number | string | null

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Milliseconds per unit, under each of its names in the singular; a year is 365.25 days. As Bentocache reads them. */
const UNITS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ' ms msec millisecond': 1,
    's sec second': SECOND,
    'm min minute': MINUTE,
    'h hr hour': HOUR,
    'd day': DAY,
    'w wk week': 7 * DAY,
    'y yr year': 365.25 * DAY,
  }).flatMap(([names, ms]) => names.split(' ').map((name) => [name, ms])),
)

/** Longer texts are no duration; the cut keeps parsing linear and cheap for any input. */
const MAX_LENGTH = 100

function isNumberChar(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46
}

/** Reads a duration text in one pass, or gives `undefined`. */
function parseText(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined
  let at = text.startsWith('-') ? 1 : 0
  while (at < text.length && isNumberChar(text.charCodeAt(at))) at++
  const amount = text.slice(0, at)
  while (text[at] === ' ') at++
  const name = text.slice(at).toLowerCase()
  const unit = UNITS.get(name) ?? UNITS.get(name.replace(/(..)s$/, '$1'))
  if (unit === undefined || !/\d$/.test(amount)) return undefined
  const ms = Number(amount) * unit
  return Number.isNaN(ms) ? undefined : ms
}

function describe(value: unknown): string {
  if (typeof value === 'string') return 'a text that is no duration'
  if (typeof value !== 'number' || Number.isNaN(value)) return Number.isNaN(value) ? 'NaN' : typeOf(value)
  return value < 0 ? 'a negative number' : 'an infinite number'
}

/** The type of a value for error messages; never the value. */
export function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/**
 * Turns a duration into milliseconds; `null` stays `null`.
 *
 * @throws {@link InvalidOptionError} for anything else than a finite number >= 0, a duration text, or `null`.
 */
export function toMilliseconds(value: unknown, option: string): number | null {
  if (value === null) return null
  const ms = typeof value === 'string' ? parseText(value) : value
  if (typeof ms === 'number' && ms >= 0 && ms !== Infinity) return ms
  throw new InvalidOptionError({
    option,
    received: describe(ms ?? value),
    allowed: 'milliseconds >= 0, a duration such as "30s" or "2.5h", or null',
  })
}
