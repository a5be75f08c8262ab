import { equal } from './check.ts'
import { type Offer, plainCase, type PlainScene, shortLife, type StoreCase } from './plain-scene.ts'
import { NAMES, quoted, VALUES } from './texts.ts'

/** Long enough for no clock of a test to reach it. */
const LONG = 3_600_000

const MEGABYTE = 1_000_000

/** Values, their lives, and what operations on one key answer. */
export function valueCases({ limits, getMany }: Offer): StoreCase[] {
  const one = (name: string, run: (scene: PlainScene) => Promise<void>): StoreCase =>
    plainCase(limits, name, run)
  const largest = Math.min(MEGABYTE, limits?.maxValueBytes ?? MEGABYTE)
  const texts = [...VALUES, [`a text of ${largest} bytes`, () => 'x'.repeat(largest)] as const]
  return [
    one('values: what was never set is undefined, and not null', async ({ driver }) => {
      equal(await driver.get('missing'), undefined, 'get')
      equal(await driver.pull('missing'), undefined, 'pull')
    }),
    ...texts.map(([name, make]) =>
      one(`values: ${name} comes back unchanged`, async ({ driver, connect }) => {
        const text = make()
        equal(await driver.set('k', text), true, 'set')
        equal(await driver.get('k'), text, 'get')
        equal(await connect('p').get('k'), text, 'get of another client')
        equal(await driver.pull('k'), text, 'pull')
      }),
    ),
    ...overCases(one),
    ...lifeCases(one, shortLife(limits), getMany !== undefined),
    ...NAMES.map((key) =>
      one(`keys: ${quoted(key)} is a key as any other`, async ({ driver }) => {
        equal(await driver.get(key), undefined, 'get of a missing key')
        equal(await driver.delete(key), false, 'delete of a missing key')
        equal(await driver.set(key, 'x'), true, 'set')
        equal(await driver.get(key), 'x', 'get')
        equal(await driver.delete(key), true, 'delete')
        equal(await driver.get(key), undefined, 'get of a deleted key')
      }),
    ),
  ]
}

type One = (name: string, run: (scene: PlainScene) => Promise<void>) => StoreCase

function overCases(one: One): StoreCase[] {
  return [
    one('values: the last of several sets is what is there', async ({ driver }) => {
      for (const text of ['one', 'a longer one', '', 'x']) {
        equal(await driver.set('k', text), true, 'set')
        equal(await driver.get('k'), text, 'get')
      }
    }),
    one('delete: tells whether something was there, and ends it', async ({ driver, connect }) => {
      await driver.set('k', 'x')
      await driver.set('other', 'y')
      equal(await driver.delete('k'), true, 'delete of what is there')
      equal(await driver.get('k'), undefined, 'get after it')
      equal(await connect('p').get('k'), undefined, 'get of another client')
      equal(await driver.delete('k'), false, 'delete of what is gone')
      equal(await driver.delete('never'), false, 'delete of what never was')
      equal(await driver.get('other'), 'y', 'get of another key')
    }),
    one('delete: an empty text is something that was there', async ({ driver }) => {
      await driver.set('k', '')
      equal(await driver.delete('k'), true, 'delete')
    }),
    one('delete: the key can be set again', async ({ driver }) => {
      await driver.set('k', 'one')
      await driver.delete('k')
      await driver.set('k', 'two')
      equal(await driver.get('k'), 'two', 'get')
    }),
    one('pull: gives the value and takes it away', async ({ driver, connect }) => {
      await driver.set('k', 'x')
      await driver.set('other', 'y')
      equal(await driver.pull('k'), 'x', 'pull')
      equal(await driver.pull('k'), undefined, 'pull again')
      equal(await connect('p').get('k'), undefined, 'get of another client')
      equal(await driver.get('other'), 'y', 'get of another key')
    }),
    one('disconnect: leaves the store to the others', async ({ driver, connect }) => {
      await driver.set('k', 'x')
      const other = connect('p')
      equal(await other.get('k'), 'x', 'get of another client')
      await driver.disconnect()
      equal(await other.get('k'), 'x', 'get of another client after disconnect')
    }),
  ]
}

function lifeCases(one: One, { ttl, end }: ReturnType<typeof shortLife>, many: boolean): StoreCase[] {
  return [
    one('life: ends when its milliseconds are over, not before', async ({ driver, connect, pass }) => {
      await driver.set('short', 'x', ttl)
      await driver.set('long', 'y', end + LONG)
      await pass(end)
      equal(await driver.get('short'), undefined, `get ${end} ms after a set for ${ttl} ms`)
      equal(await connect('p').get('short'), undefined, 'get of another client')
      equal(await driver.pull('short'), undefined, 'pull of what has ended')
      equal(await driver.delete('short'), false, 'delete of what has ended')
      if (many) equal(await driver.getMany?.(['short', 'long']), [undefined, 'y'], 'getMany')
      equal(await driver.get('long'), 'y', 'get of what lives longer')
    }),
    one('life: without one a value is kept, whatever its key had before', async ({ driver, pass }) => {
      await driver.set('none', 'a')
      await driver.set('zero', 'b', 0)
      await driver.set('lost', 'old', ttl)
      await driver.set('lost', 'c')
      await driver.set('longer', 'old', ttl)
      await driver.set('longer', 'd', end + LONG)
      await pass(end)
      equal(await driver.get('none'), 'a', 'get of a set without a life')
      equal(await driver.get('zero'), 'b', 'get of a set with the life 0, which is for ever')
      equal(await driver.get('lost'), 'c', 'get of a set without a life over one with')
      equal(await driver.get('longer'), 'd', 'get of a set with a longer life over a short one')
    }),
    one('life: a later set can give one, and a key can live again', async ({ driver, pass }) => {
      await driver.set('given', 'old')
      await driver.set('given', 'x', ttl)
      await driver.set('again', 'old', ttl)
      await pass(end)
      equal(await driver.get('given'), undefined, 'get of a set with a life over one without')
      await driver.set('again', 'new', end + LONG)
      equal(await driver.get('again'), 'new', 'get of what was set again after its end')
    }),
    one('life: may have fractions, and last a thousand years', async ({ driver }) => {
      equal(await driver.set('fraction', 'x', LONG + 0.5), true, 'set with fractions of a millisecond')
      equal(await driver.get('fraction'), 'x', 'get')
      equal(await driver.set('long', 'y', 1000 * 365.25 * 86_400_000), true, 'set for a thousand years')
      equal(await driver.get('long'), 'y', 'get')
    }),
  ]
}
