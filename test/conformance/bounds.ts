import type { CacheDriver } from '../../src/ports.ts'
import { equal, present } from './check.ts'
import { type Offer, plainCase, type StoreCase } from './plain-scene.ts'
import { coordinatedCase } from './scene.ts'
import { bytesOf, wideText } from './texts.ts'

/** Texts of one size in bytes: what grows when it is escaped, counted in characters, or cut must not fail. */
const KINDS: readonly (readonly [string, (bytes: number) => string])[] = [
  ['of ASCII', (bytes) => 'x'.repeat(bytes)],
  ['beyond ASCII', wideText],
  ['of characters that are escaped', (bytes) => '"'.repeat(bytes)],
]

/** The limits a driver states are kept: what is just as large works. */
export function boundCases(offer: Offer): StoreCase[] {
  const { maxKeyBytes, maxValueBytes } = offer.limits ?? {}
  return [
    ...(maxKeyBytes === undefined ? [] : keyCases(offer, maxKeyBytes)),
    ...(maxValueBytes === undefined ? [] : valueCases(offer, maxValueBytes)),
  ]
}

function keyCases({ limits, coordination }: Offer, maxKeyBytes: number): StoreCase[] {
  return KINDS.flatMap(([kind, make]) => [
    plainCase(limits, `limits: a key of ${maxKeyBytes} bytes ${kind} works`, async ({ connect }) => {
      const driver = connect('')
      // Alike up to the last byte, so that one cut short would be the other.
      const [one, other] = ['1', '2'].map((end) => exactly(make(maxKeyBytes - 1) + end, maxKeyBytes))
      await both(driver, [one!, other!])
    }),
    ...(coordination
      ? [
          coordinatedCase(
            `limits: an entry under a key of ${maxKeyBytes} bytes ${kind} works`,
            async ({ a, b }) => {
              const key = exactly(make(maxKeyBytes), maxKeyBytes)
              const held = await a.lease(key, 'A')
              equal((await a.fill(key, 'x', held)).stored, true, 'stored')
              equal(await b.value(key), 'x', 'value')
              equal(await b.drop({ kind: 'key', name: key }), 1, 'existed')
              equal(await a.value(key), undefined, 'value after its invalidation')
            },
          ),
        ]
      : []),
  ])
}

function valueCases({ limits, coordination }: Offer, maxValueBytes: number): StoreCase[] {
  return KINDS.flatMap(([kind, make]) => [
    plainCase(limits, `limits: a value of ${maxValueBytes} bytes ${kind} works`, async ({ driver }) => {
      const text = exactly(make(maxValueBytes), maxValueBytes)
      equal(await driver.set('k', text), true, 'set')
      same(await driver.get('k'), text)
    }),
    ...(coordination
      ? [
          coordinatedCase(`limits: an entry of ${maxValueBytes} bytes ${kind} works`, async ({ a, b }) => {
            const text = exactly(make(maxValueBytes), maxValueBytes)
            equal((await a.set('k', text, { tags: ['t', 'u'] })).stored, true, 'stored')
            same(await b.value('k'), text)
          }),
        ]
      : []),
  ])
}

async function both(driver: CacheDriver, [one, other]: readonly string[]): Promise<void> {
  const keys = [present(one, 'a key'), present(other, 'a key')] as const
  for (const key of keys) equal(await driver.set(key, key.at(-1) ?? ''), true, 'set')
  equal([await driver.get(keys[0]), await driver.get(keys[1])], ['1', '2'], 'get')
  equal(await driver.delete(keys[0]), true, 'delete')
  equal([await driver.get(keys[0]), await driver.get(keys[1])], [undefined, '2'], 'get after delete')
}

function exactly(text: string, bytes: number): string {
  equal(bytesOf(text), bytes, 'bytes of the text')
  return text
}

function same(actual: string | undefined, expected: string): void {
  equal(actual?.length, expected.length, 'length of the value')
  equal(actual === expected, true, 'whether the value is the one that was set')
}
