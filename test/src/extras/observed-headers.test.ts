import { parseList } from 'structured-headers'
import { describe, expect, test } from 'vitest'
import { cacheStatuses, type ObservedOperation, serverTiming } from '../../../src/extras/observe.ts'

const READ: ObservedOperation = {
  operation: 'getOrSet',
  store: 'main',
  keys: ['users:42'],
  ms: 0.123,
  answer: {
    key: 'users:42',
    tier: 'l1',
    reason: 'hit',
    stale: false,
    negative: false,
    collapsed: false,
    age: 1000,
    freshFor: 59_000,
    staleFor: 60_000,
    tags: [],
    etag: undefined,
    lastModified: undefined,
  },
}

function read(answer: Partial<NonNullable<ObservedOperation['answer']>>, ms = 1): ObservedOperation {
  return { ...READ, ms, answer: { ...READ.answer!, ...answer } }
}

const MISS = read({ reason: 'miss', tier: undefined })
const FAILED = { ...read({ reason: 'failed', tier: undefined }, 12.36), error: new Error('secret') }
const WRITTEN: ObservedOperation = { operation: 'deleteByTag', store: 'main', keys: [], ms: 2 }

describe('Cache-Status of a request', () => {
  test('has a member for each read, in their order, and none for what only writes', () => {
    const header = cacheStatuses([READ, WRITTEN, MISS, FAILED])
    expect(header).toBe(
      'ekiben; hit; ttl=59; detail=l1, ekiben; fwd=miss; detail=none, ekiben; fwd=miss; detail=none-failed',
    )
    expect(parseList(header ?? '')).toHaveLength(3)
    expect(cacheStatuses([WRITTEN])).toBeUndefined()
    expect(cacheStatuses([])).toBeUndefined()
  })

  test('stands behind what the header held, which stays', () => {
    expect(cacheStatuses([READ], { received: 'Origin; hit', name: 'my cache' })).toBe(
      'Origin; hit, "my cache"; hit; ttl=59; detail=l1',
    )
    expect(cacheStatuses([], { received: 'Origin; hit' })).toBe('Origin; hit')
  })

  test('tells keys if asked to, and the begin of those that are long', () => {
    expect(cacheStatuses([READ])).not.toContain('42')
    const long = read({ key: `${'a'.repeat(100)}b` })
    const header = cacheStatuses([READ, long], { key: true }) ?? ''
    expect(parseList(header).map(([, parameters]) => parameters.get('key'))).toEqual([
      'users:42',
      `${'a'.repeat(100)}...`,
    ])
  })

  test('is never longer than a proxy takes', () => {
    const many = Array.from({ length: 50 }, () => READ)
    expect(parseList(cacheStatuses(many) ?? '')).toHaveLength(20)
    const wide = Array.from({ length: 50 }, () => read({ key: '駅'.repeat(200) }))
    const header = cacheStatuses(wide, { key: true }) ?? ''
    expect(header.length).toBeLessThanOrEqual(3000)
    expect(parseList(header).length).toBeGreaterThan(1)
  })
})

describe('Server-Timing of a request', () => {
  test('has a metric for each operation, in their order, without keys and messages', () => {
    const collapsed = read({ reason: 'miss', tier: 'factory', collapsed: true, negative: true })
    expect(serverTiming([READ, WRITTEN, collapsed, FAILED, { ...WRITTEN, error: new Error('x') }])).toBe(
      [
        'cache;desc="getOrSet hit l1";dur=0.1',
        'cache;desc="deleteByTag";dur=2',
        'cache;desc="getOrSet miss collapsed factory nothing";dur=1',
        'cache;desc="getOrSet failed";dur=12.4',
        'cache;desc="deleteByTag failed";dur=2',
      ].join(', '),
    )
    expect(serverTiming([])).toBeUndefined()
  })

  test('has 20 metrics at most, and durations that are numbers', () => {
    const header = serverTiming(Array.from({ length: 50 }, () => read({}, Infinity))) ?? ''
    expect(header.split(', ')).toHaveLength(20)
    expect(header).not.toContain('Infinity')
  })
})
