import { parseList } from 'structured-headers'
import { describe, expect, test } from 'vitest'
import { ageHeader, cacheStatus, type CacheStatusOptions } from '../../../src/extras/cache-status.ts'
import type { EntryInfo } from '../../../src/extras/entry-info.ts'
import { getEntry, getOrSetEntry } from '../../../src/extras/entry.ts'
import { memoryStand } from '../../support/stacks.ts'

const INFO: EntryInfo<unknown> = {
  key: 'k',
  value: 'v',
  tier: 'l1',
  reason: 'hit',
  stale: false,
  negative: false,
  collapsed: false,
  age: 1999,
  freshFor: 59_999,
  staleFor: 3_600_000,
  tags: [],
  etag: undefined,
  lastModified: undefined,
}

/** What a reader of structured fields makes of it: the members of the list, each a name and its parameters. */
function parsed(header: string): (readonly [string, Record<string, unknown>])[] {
  return parseList(header).map(([name, parameters]) => [
    String(name),
    Object.fromEntries(
      [...parameters].map(([key, value]) => [key, typeof value === 'object' ? String(value) : value]),
    ),
  ])
}

test.each<[Partial<EntryInfo<unknown>>, string]>([
  [{}, 'ekiben; hit; ttl=59; detail=l1'],
  [{ tier: 'l2', freshFor: 0 }, 'ekiben; hit; ttl=0; detail=l2'],
  [{ freshFor: Infinity }, 'ekiben; hit; detail=l1'],
  [{ tier: 'factory', reason: 'miss' }, 'ekiben; fwd=miss; stored; ttl=59; detail=factory'],
  [
    { tier: 'factory', reason: 'miss', collapsed: true },
    'ekiben; fwd=miss; stored; collapsed; ttl=59; detail=factory',
  ],
  [{ stale: true, reason: 'refresh', freshFor: -1 }, 'ekiben; hit; ttl=-1; detail=l1-refresh'],
  [{ stale: true, reason: 'grace', freshFor: -1500 }, 'ekiben; hit; ttl=-2; detail=l1-grace'],
  [{ stale: true, reason: 'outage', freshFor: 5000 }, 'ekiben; hit; ttl=5; detail=l1-outage'],
  [{ stale: true, reason: 'error', freshFor: -2000 }, 'ekiben; fwd=stale; ttl=-2; detail=l1-error'],
  [{ stale: true, reason: 'timeout', freshFor: -2000 }, 'ekiben; fwd=stale; ttl=-2; detail=l1-timeout'],
  [{ negative: true }, 'ekiben; hit; ttl=59; detail=l1-nothing'],
  [{ tier: undefined, reason: 'skipped' }, 'ekiben; fwd=miss; detail=none-skipped'],
  [{ tier: undefined, reason: 'default' }, 'ekiben; detail=none-default'],
  [
    { tier: 'factory', reason: 'no-store', freshFor: 0 },
    'ekiben; fwd=bypass; ttl=0; detail=factory-no-store',
  ],
])('%o is %s', (info, header) => {
  expect(cacheStatus({ ...INFO, ...info })).toBe(header)
  expect(parsed(header)).toHaveLength(1)
})

describe('parameters', () => {
  const read = (options: CacheStatusOptions, info: Partial<EntryInfo<unknown>> = {}) =>
    parsed(cacheStatus({ ...INFO, ...info }, options))

  test('the key is told only if asked for, as a string of printable ASCII', () => {
    expect(read({})[0]?.[1]).not.toHaveProperty('key')
    expect(read({ key: true }, { key: 'a "b" \\c' })[0]?.[1]['key']).toBe('a "b" \\c')
    expect(read({ key: true }, { key: '駅\n' })[0]?.[1]['key']).toBe('\\u99c5\\u000a')
  })

  test('the name is a token where it can be, else a string', () => {
    expect(read({ name: 'edge.example' })[0]?.[0]).toBe('edge.example')
    expect(read({ name: 'a "cache"' })[0]?.[0]).toBe('a "cache"')
    expect(cacheStatus(INFO, { name: 'my cache' })).toMatch(/^"my cache"; /)
    for (const name of ['', 'ä', 'a\r\nSet-Cookie: x'])
      expect(() => cacheStatus(INFO, { name })).toThrow('Invalid name')
  })

  test('other caches’ members stand before it', () => {
    const [origin, own] = read({ received: 'OriginCache; hit; ttl=1100' })
    expect(origin).toEqual(['OriginCache', { hit: true, ttl: 1100 }])
    expect(own?.[0]).toBe('ekiben')
    expect(read({ received: null })).toHaveLength(1)
    expect(read({ received: '' })).toHaveLength(1)
  })

  test('numbers stay within what structured fields allow', () => {
    expect(read({}, { freshFor: 1e20 })[0]?.[1]['ttl']).toBe(999_999_999_999)
  })
})

test('Age is in whole seconds', () => {
  expect(ageHeader(INFO)).toBe('1')
})

test('a cache that is switched off stores nothing, and does not say so', async () => {
  const { bento } = memoryStand({ ttl: '1m', enabled: false })
  const ask = () => getOrSetEntry(bento, { key: 'k', factory: () => 'v' })
  for (const info of await Promise.all([ask(), ask()])) {
    expect(info).toMatchObject({ tier: 'factory', reason: 'no-store' })
    expect(cacheStatus(info)).not.toContain('stored')
  }
})

test('what a cache tells can be told', async () => {
  const { bento, clock } = memoryStand({ ttl: '1m' })
  const made = await getOrSetEntry(bento, { key: 'k', factory: () => 'v' })
  expect(cacheStatus(made)).toBe('ekiben; fwd=miss; stored; ttl=60; detail=factory')
  await clock.advance(1500)
  const found = await getEntry(bento, { key: 'k' })
  expect(found && cacheStatus(found)).toBe('ekiben; hit; ttl=58; detail=l1')
})
