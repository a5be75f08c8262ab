import { binary, serializer } from 'ekiben/serializers'
import { equal, holds } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { failureOf, onEach, onShared } from './kit.ts'

/** What JSON can carry, at its ends. */
const PLAIN: Readonly<Record<string, unknown>> = {
  zero: 0,
  'the largest safe integer': Number.MAX_SAFE_INTEGER,
  'the smallest number': Number.MIN_VALUE,
  'a fraction': 0.1 + 0.2,
  'a large number': 1.797e308,
  'an empty text': '',
  'a text of all kinds': '\u0000\u001f"\\/\u2028é🍱\u{10ffff}',
  'half a surrogate pair': 'a\ud83cb',
  'a list with null': [null, true, false, [[]]],
  'a property of an odd name': JSON.parse('{"__proto__":1,"constructor":2,"":3}') as unknown,
  'something deep': Array.from({ length: 100 }).reduce<unknown>((inner) => ({ inner }), 'end'),
  'something large': { text: 'é'.repeat(200_000) },
}

/** Values that go through the store and come back. */
export function valueCases(): RuntimeCase[] {
  return [
    ...Object.entries(PLAIN).flatMap(([name, value]) =>
      onShared(`${name} comes back as it was`, async ({ cache }) => {
        await cache({ awaitWrites: true }).bento.set({ key: 'k', value })
        equal(await cache().bento.get({ key: 'k' }), value, 'the value')
      }),
    ),
    ...onShared('what JSON changes is the same for who made it and for who reads it', async ({ cache }) => {
      const { bento } = cache({ awaitWrites: true })
      const value = { date: new Date(1_800_000_000_000), nan: Number.NaN, gone: undefined }
      const expected = { date: '2027-01-15T08:00:00.000Z', nan: null }
      await bento.set({ key: 'k', value })
      equal(await bento.get({ key: 'k' }), expected, 'from memory')
      equal(await cache().bento.get({ key: 'k' }), expected, 'from the store')
    }),
    ...onShared('bytes come back as they were, of whatever kind', async ({ cache }) => {
      const value = {
        bytes: new Uint8Array([0, 1, 127, 128, 255]),
        part: new Uint8Array([9, 8, 7, 6]).subarray(1, 3),
        buffer: new Uint8Array([5, 6]).buffer,
        floats: new Float64Array([Math.PI, -0, Number.NaN]),
        big: new BigInt64Array([-1n, 2n ** 62n]),
        none: new Uint8Array(0),
      }
      await cache({ awaitWrites: true, serializer: binary() }).bento.set({ key: 'k', value })
      const read = await cache({ serializer: binary() }).bento.get<typeof value>({ key: 'k' })
      for (const [name, one] of Object.entries(value)) {
        const other = read[name as keyof typeof value]
        equal(kindOf(other), kindOf(one), `kind of ${name}`)
        equal([...bytesOf(other)], [...bytesOf(one)], name)
      }
    }),
    ...onShared('a large piece of bytes comes back as it was', async ({ cache }) => {
      const value = new Uint8Array(300_000).map((_, at) => at * 7)
      await cache({ awaitWrites: true, serializer: binary() }).bento.set({ key: 'k', value })
      const read = await cache({ serializer: binary() }).bento.get<Uint8Array>({ key: 'k' })
      equal(read.length, value.length, 'bytes')
      holds(
        read.every((byte, at) => byte === value[at]),
        'each byte must be what it was',
      )
    }),
    ...onShared('a serializer of one’s own is used both ways', async ({ cache }) => {
      const dates = serializer({
        stringify: (value) =>
          JSON.stringify(value, function (this: Record<string, unknown>, name, item: unknown) {
            return this[name] instanceof Date ? { $date: this[name].getTime() } : item
          }),
        parse: (text) =>
          JSON.parse(text, (_, item: { $date?: number } | null) =>
            item?.$date === undefined ? item : new Date(item.$date),
          ),
      })
      const value = { at: new Date(1_800_000_000_000) }
      await cache({ awaitWrites: true, serializer: dates }).bento.set({ key: 'k', value })
      const read = await cache({ serializer: dates }).bento.get<typeof value>({ key: 'k' })
      equal([read.at instanceof Date, read.at.getTime()], [true, 1_800_000_000_000], 'the date')
    }),
    ...onEach(
      'what cannot be written is refused with a typed error, and names the key',
      async ({ cache }) => {
        const { bento } = cache()
        const circle: Record<string, unknown> = {}
        circle['self'] = circle
        for (const value of [circle, 1n, { deep: [2n] }]) {
          const { code, message } = await failureOf(bento.set({ key: 'the-key', value }))
          equal(code, 'E_SERIALIZATION', 'code')
          holds(message.includes('the-key'), `it says ${message}`)
        }
      },
    ),
    ...onShared(
      'a value too large for the store stays in memory, and an event says so',
      async ({ cache }) => {
        const { bento } = cache({ awaitWrites: true })
        const told: string[] = []
        bento.on('cache:oversized', ({ layer, key }) => void told.push(`${key} ${layer}`))
        const value = 'x'.repeat(5_000_000)
        equal((await bento.getOrSet({ key: 'k', factory: () => value })).length, value.length, 'the answer')
        equal(told, ['k l2'], 'what was told')
        equal(await cache().bento.get({ key: 'k' }), undefined, 'what others find')
      },
    ),
    ...onShared('a schema judges what comes from the store', async ({ cache }) => {
      const schema = (fits: boolean) => ({
        '~standard': {
          version: 1 as const,
          vendor: 'matrix',
          validate: (value: unknown) => (fits ? { value } : { issues: [{ message: 'no' }] }),
        },
      })
      await cache({ awaitWrites: true }).bento.set({ key: 'k', value: 1 })
      equal(await cache().bento.get({ key: 'k', schema: schema(true) }), 1, 'what fits')
      equal(await cache().bento.get({ key: 'k', schema: schema(false) }), undefined, 'what does not')
    }),
    ...onShared('a value of another schema version counts as missing', async ({ cache }) => {
      await cache({ awaitWrites: true, schemaVersion: 1 }).bento.set({ key: 'k', value: 'one' })
      equal(await cache({ schemaVersion: 2 }).bento.get({ key: 'k' }), undefined, 'of the next')
      equal(await cache({ schemaVersion: 1 }).bento.get({ key: 'k' }), 'one', 'of the same')
    }),
  ]
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value)
}

function bytesOf(value: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value)
}
