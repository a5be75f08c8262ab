import { describe, expect, test, vi } from 'vitest'
import { toMilliseconds } from '../../src/durations.ts'

const SECOND = 1000
const DAY = 86_400_000

test('numbers are milliseconds', () => {
  expect([0, 1, 0.5, 1500].map((ms) => toMilliseconds(ms, 'ttl'))).toEqual([0, 1, 0.5, 1500])
})

test('null stays null, for ever', () => {
  expect(toMilliseconds(null, 'ttl')).toBeNull()
})

test.each([
  ['250ms', 250],
  ['250 ms', 250],
  ['1s', SECOND],
  ['1 sec', SECOND],
  ['2 seconds', 2 * SECOND],
  ['1m', 60 * SECOND],
  ['5 min', 300 * SECOND],
  ['10 minutes', 600 * SECOND],
  ['2.5h', 9000 * SECOND],
  ['.5h', 1800 * SECOND],
  ['1 hour', 3600 * SECOND],
  ['2 hrs', 7200 * SECOND],
  ['1d', DAY],
  ['2 days', 2 * DAY],
  ['1w', 7 * DAY],
  ['3 weeks', 21 * DAY],
  ['1y', 365.25 * DAY],
  ['1 YEAR', 365.25 * DAY],
  ['100', 100],
  ['0', 0],
])('%s is a duration', (text, ms) => {
  expect(toMilliseconds(text, 'ttl')).toBe(ms)
})

describe('what is no duration is refused', () => {
  test.each<[unknown, string]>([
    [Number.NaN, 'NaN'],
    [-1, 'a negative number'],
    [-0.001, 'a negative number'],
    [Number.POSITIVE_INFINITY, 'an infinite number'],
    [Number.NEGATIVE_INFINITY, 'a negative number'],
    ['-1h', 'a negative number'],
    ['', 'a text that is no duration'],
    [' ', 'a text that is no duration'],
    ['abc', 'a text that is no duration'],
    ['1 fortnight', 'a text that is no duration'],
    ['h', 'a text that is no duration'],
    ['1.2.3h', 'a text that is no duration'],
    ['1.h', 'a text that is no duration'],
    ['1h 30m', 'a text that is no duration'],
    ['1e3s', 'a text that is no duration'],
    ['Infinity', 'a text that is no duration'],
    ['0x10', 'a text that is no duration'],
    ['١s', 'a text that is no duration'],
    [true, 'boolean'],
    [{}, 'object'],
    [[5], 'array'],
    [5n, 'bigint'],
    [new Date(0), 'object'],
    [() => 5, 'function'],
  ])('%o', (value, received) => {
    expect(() => toMilliseconds(value, 'grace')).toThrowError(
      expect.objectContaining({
        code: 'E_INVALID_OPTION',
        name: 'InvalidOptionError',
        option: 'grace',
        received,
        allowed: 'milliseconds >= 0, a duration such as "30s" or "2.5h", or null',
      }),
    )
  })
})

test.each([
  ['digits', '9'.repeat(100_000)],
  ['dots', '.'.repeat(100_000)],
  ['spaces', `1${' '.repeat(100_000)}s`],
  ['letters', `1${'m'.repeat(100_000)}`],
  ['plurals', `1${'s'.repeat(100_000)}`],
  ['digits and dots', '1.'.repeat(50_000)],
  ['a long number before a unit', `${'9'.repeat(100_000)}h`],
])('a hundred thousand characters are refused in few steps: %s', (_, text) => {
  const looks = vi.spyOn(String.prototype, 'charCodeAt')
  try {
    expect(() => toMilliseconds(text, 'ttl')).toThrowError(
      expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'ttl' }),
    )
    expect(looks.mock.calls.length).toBeLessThan(200)
  } finally {
    looks.mockRestore()
  }
})
