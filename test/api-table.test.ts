import { describe, expect, test } from 'vitest'
import { apiTable, ROWS } from './api/table.ts'
import { covers, isRead, isThere, unknownTypes } from './api/verify.ts'

describe('the table of Bentocache’s API', () => {
  test('all that is said to be here is here, and covered by a test', async () => {
    const { rows, counts, complaints } = await apiTable()
    expect(complaints).toEqual([])
    expect(counts.rows).toBeGreaterThan(300)
    expect(counts.present + counts.leftOut).toBe(counts.rows)
    const reasons = rows.filter(({ state }) => state === 'left out').map(({ where }) => where)
    expect(reasons.filter((reason) => reason.length < 20)).toEqual([])
  }, 30_000)

  test('finds out what is missing, what is stale and what nobody tests', async () => {
    const key = 'method BentoCache: get'
    const complaintsOf = async (row: object, offered = [key]): Promise<readonly string[]> =>
      (await apiTable({ [key]: row }, offered)).complaints
    const { test: covered } = ROWS[key]!
    expect(await complaintsOf(ROWS[key]!)).toEqual([])
    expect(await complaintsOf(ROWS[key]!, [key, 'method BentoCache: fly'])).toEqual([
      'method BentoCache: fly: no row says where it is',
    ])
    expect(await complaintsOf(ROWS[key]!, [])).toEqual([`${key}: Bentocache has no such thing`])
    expect(await complaintsOf({ value: 'ekiben#BentoCache.prototype.fly', test: covered })).toEqual([
      `${key}: there is no ekiben#BentoCache.prototype.fly`,
    ])
    expect(await complaintsOf({ type: 'ekiben#GetOptions<unknown>.wings', test: covered })).toEqual([
      expect.stringContaining(`${key}: there is no type ekiben#GetOptions<unknown>.wings: TS2339`),
    ])
    expect(await complaintsOf({ option: 'wings', test: covered })).toEqual([
      `${key}: nobody reads the option wings`,
    ])
    expect(await complaintsOf({ event: 'cache:fly', test: covered })).toEqual([
      `${key}: nobody emits cache:fly`,
    ])
    expect(await complaintsOf({ value: 'ekiben#BentoCache' })).toEqual([`${key}: no test covers it`])
    expect(await complaintsOf({ value: 'ekiben#BentoCache', test: [covered![0], 'get flies'] })).toEqual([
      `${key}: ${covered![0]} has no test "get flies"`,
    ])
  }, 60_000)

  test('looks things up where they are', async () => {
    expect(await isThere('ekiben#BentoCache.prototype.defaultStoreName')).toBe(true)
    expect(await isThere('ekiben/nowhere#BentoCache')).toBe(false)
    expect([isRead('ttl'), isRead('toString')]).toEqual([true, false])
    expect(covers(['test/nowhere.test.ts', 'x'])).toBe(false)
    expect([...(await unknownTypes(['ekiben#StoreOptions.ttl']))]).toEqual([])
  }, 30_000)
})
