import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cloudflareKvDriver, type KVNamespaceLike, type KVReadOptions } from '../../drivers/cloudflare-kv.ts'
import { failureOf } from '../support/pair.ts'
import { type LocalKv, openLocalKv } from '../support/kv-local.ts'
import { kvSimulator } from '../support/kv-simulator.ts'

let local: LocalKv
beforeAll(async () => {
  local = await openLocalKv()
}, 60_000)
afterAll(() => local?.close())

const simulator = kvSimulator({ now: () => Date.now(), oneWriteASecond: false })
const kinds: [string, () => KVNamespaceLike][] = [
  ['a simulated KV', () => simulator.at('here')],
  ['local KV', () => local.kv],
]

const text: KVReadOptions = { type: 'text' }
const many = (count: number): string[] => Array.from({ length: count }, (_, at) => `k${at}`)

test.each<[string, (kv: KVNamespaceLike) => Promise<unknown>]>([
  ['a missing key', (kv) => kv.getWithMetadata('nobody has', text)],
  ['an empty name', (kv) => kv.put('', 'x', {})],
  ['the name of a folder', (kv) => kv.put('.', 'x', {})],
  ['the name of the folder above', (kv) => kv.put('..', 'x', {})],
  ['a name of 512 bytes', (kv) => kv.put('k'.repeat(512), 'x', {})],
  ['a name of 513 bytes', (kv) => kv.put('k'.repeat(513), 'x', {})],
  ['a name of 171 characters and 513 bytes', (kv) => kv.put('あ'.repeat(171), 'x', {})],
  ['a cacheTtl of 29 s', (kv) => kv.getWithMetadata('k', { ...text, cacheTtl: 29 })],
  ['a life of 59 s', (kv) => kv.put('k', 'x', { expirationTtl: 59 })],
  ['a life of 60 s', (kv) => kv.put('k', 'x', { expirationTtl: 60 })],
  ['a life of 68 years', (kv) => kv.put('k', 'x', { expirationTtl: 0x7fffffff })],
  ['a life of 69 years', (kv) => kv.put('k', 'x', { expirationTtl: 0x80000000 })],
  ['metadata of 1024 bytes', (kv) => kv.put('k', 'x', { metadata: 'm'.repeat(1022) })],
  ['metadata of 1025 bytes', (kv) => kv.put('k', 'x', { metadata: 'm'.repeat(1023) })],
  ['metadata of 512 characters and 1026 bytes', (kv) => kv.put('k', 'x', { metadata: 'é'.repeat(512) })],
  ['a value of more than 25 MiB', (kv) => kv.put('k', 'x'.repeat(26_214_401), {})],
  ['no value', (kv) => kv.put('none', undefined as unknown as string, {})],
  ['what no value is', (kv) => kv.getWithMetadata('none', text)],
  ['a bulk read of 100 keys', async (kv) => (await kv.getWithMetadata(many(100), text)).size],
  ['a bulk read of 101 keys', (kv) => kv.getWithMetadata(many(101), text)],
  ['a bulk read of none', (kv) => kv.getWithMetadata([], text)],
  ['a bulk read with repeats', async (kv) => [...(await kv.getWithMetadata(['none', 'no', 'none'], text))]],
])('the simulated KV answers like local KV: %s', async (_, call) => {
  const simulated = told(await failureOf(call(simulator.at('here'))))
  expect(simulated).toEqual(told(await failureOf(call(local.kv))))
})

/** An answer, or the words of a failure, whatever has been wrapped around them. */
function told(answer: unknown): unknown {
  if (answer instanceof Error) return answer.message.replace(/^Error: /, '')
  const { resolved } = answer as { resolved: unknown }
  return resolved && typeof resolved === 'object' && 'value' in resolved
    ? { value: resolved.value, metadata: (resolved as { metadata?: unknown }).metadata }
    : resolved
}

describe.each(kinds)('%s', (_, kv) => {
  const open = (prefix = 'p') => cloudflareKvDriver({ binding: kv }).factory({ prefix })

  test('any string is a key of its own', async () => {
    const keys = [
      '.',
      '..',
      'k'.repeat(510),
      'k'.repeat(511),
      'k'.repeat(5000),
      `${'k'.repeat(5000)}2`,
      'あ'.repeat(170),
      'あ'.repeat(171),
      '\0'.repeat(1000),
      '\ud800',
      '\udfff',
      '_',
      'a/../b?c#d%20',
      '🍱'.repeat(200),
    ]
    for (const driver of [open(''), open('p')]) {
      for (const [at, key] of keys.entries()) await driver.set(key, `${at}`, 90_000)
      const values = keys.map((__, at) => `${at}`)
      expect(await Promise.all(keys.map(async (key) => driver.get(key)))).toEqual(values)
      expect(await driver.getMany!(keys)).toEqual(values)
      for (const key of keys) expect(await driver.delete(key)).toBe(true)
      expect(await driver.getMany!(keys)).toEqual(keys.map(() => undefined))
      await driver.set('k'.repeat(5000), 'x')
      await driver.clear()
      expect(await driver.get('k'.repeat(5000))).toBeUndefined()
    }
    await open('').set('', 'empty')
    expect(await open('').get('')).toBe('empty')
  })
})

describe('a hashed name', () => {
  const long = 'k'.repeat(600)
  const { kv, driver } = (() => {
    const own = kvSimulator({ now: () => Date.now(), oneWriteASecond: false })
    return { kv: own, driver: cloudflareKvDriver({ binding: own.at('here') }).factory({ prefix: 'p' }) }
  })()
  const only = (): string => [...kv.records.keys()][0] as string

  test('begins like its key and keeps it beside the value', async () => {
    await driver.set(long, 'x')
    expect(only()).toMatch(/^p:k{62}~[\da-f]{64}$/)
    expect(kv.records.get(only())?.metadata).toEqual({ key: `p:${long}` })
  })

  test('does not serve another key’s value, not even one that is called like it', async () => {
    await kv.at('here').put(only(), 'y', { metadata: { key: `p:${long}2` } })
    expect(await driver.get(long)).toBeUndefined()
    await driver.set(only().slice(2), 'z')
    expect(await driver.get(long)).toBeUndefined()
    await driver.set(long, 'x')
    expect([await driver.get(long), await driver.get(only().slice(2))]).toEqual(['x', undefined])
  })

  test('keeps as much of its key as metadata holds', async () => {
    for (const key of ['é'.repeat(2000), '\n'.repeat(2000), '\ud800'.repeat(2000)]) {
      await driver.set(key, 'x', 90_000)
      expect(await driver.get(key)).toBe('x')
    }
    for (const { metadata } of kv.records.values()) {
      expect(Buffer.byteLength(JSON.stringify(metadata))).toBeLessThanOrEqual(1024)
    }
  })

  test('never stands for a namespace: a path too long to be found again is refused', () => {
    const path = () => driver.namespace('n'.repeat(300))
    expect(path).toThrow(expect.objectContaining({ code: 'E_INVALID_OPTION' }))
  })
})

test('a value as large as its limits allow is kept, with what the core writes before it', async () => {
  const driver = cloudflareKvDriver({ binding: simulator.at('here') }).factory({})
  const header = 'h'.repeat(1024 * 1024)
  const large = header + 'x'.repeat(driver.limits!.maxValueBytes!)
  await driver.set('large', large)
  expect(await driver.get('large')).toBe(large)
  await expect(async () => driver.set('larger', `${large}x`)).rejects.toThrow('413')
})
