import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { assert, asyncProperty, string, uint8Array } from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { codecs, type CodecStage, compression, encryption } from '../../../src/codecs/index.ts'
import { toBase64 } from '../../../src/codecs/base64.ts'
import { failureOf } from '../../support/pair.ts'

const PLACE = { key: 'shop:users:42', namespace: 'shop:users' }
const SECRET = toBase64(new Uint8Array(32).fill(7))
const KEYS = [{ id: 'k1', secret: SECRET }]
const LONG = 't;{"v":1,"created":1}\n' + JSON.stringify({ text: 'ekiben '.repeat(1000) })
const SHORT = 't;{"v":1,"created":1}\n"x"'

/** What opening gives, a throw being as good as nothing. */
async function opened(
  codec: ReturnType<typeof codecs>,
  stored: string,
  place = PLACE,
): Promise<string | undefined> {
  try {
    return await codec.open(stored, place)
  } catch {
    return undefined
  }
}

describe('compression', () => {
  test.each(['CompressionStream', 'DecompressionStream'])(
    'where the runtime has no %s it is refused at once, with what is missing',
    (name) => {
      vi.stubGlobal(name, undefined)
      try {
        expect(() => compression()).toThrow(
          expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'codec' }),
        )
        expect(() => compression()).toThrow(/without CompressionStream/)
      } finally {
        vi.unstubAllGlobals()
      }
    },
  )

  test.each(['gzip', 'deflate', 'deflate-raw'] as const)(
    '%s makes a long payload smaller, and gives it back',
    async (format) => {
      const codec = codecs(compression({ format }))
      const stored = await codec.seal(LONG, PLACE)
      expect(stored.length).toBeLessThan(LONG.length / 10)
      expect(stored.startsWith(`b;${format}\n`)).toBe(true)
      expect(await codec.open(stored, PLACE)).toBe(LONG)
      expect(await codecs(compression()).open(stored, PLACE)).toBe(LONG)
    },
  )

  test('what is short, or does not shrink, stays as it is', async () => {
    const codec = codecs(compression())
    expect(await codec.seal(SHORT, PLACE)).toBe(SHORT)
    const random = randomBytes(4000).toString('base64')
    expect(await codec.seal(random, PLACE)).toBe(random)
    expect(await codecs(compression({ threshold: '1mb' })).seal(LONG, PLACE)).toBe(LONG)
    expect(await codec.open(SHORT, PLACE)).toBe(SHORT)
  })

  test('what bursts beyond maxBytes is given up', async () => {
    const bomb = `b;gzip\n${toBase64(gzipSync(Buffer.alloc(50_000_000)))}`
    expect(bomb.length).toBeLessThan(100_000)
    const failure = await failureOf(Promise.resolve(codecs(compression()).open(bomb, PLACE)))
    expect(failure).toBeInstanceOf(RangeError)
    const roomy = codecs(compression({ maxBytes: '60mb' }))
    expect((await roomy.open(bomb, PLACE))?.length).toBe(50_000_000)
  })

  test.each<[string, object]>([
    ['format', { format: 'brotli' }],
    ['threshold', { threshold: 'some' }],
    ['maxBytes', { maxBytes: 0 }],
  ])('a bad %s is refused', (option, options) => {
    expect(() => compression(options)).toThrow(`Invalid ${option}`)
  })
})

describe('encryption', () => {
  const codec = codecs(encryption({ keys: KEYS }))

  test('what is sealed shows nothing, differs each time, and opens', async () => {
    const canary = 't;{"v":1,"created":1}\n"canary in the mine"'
    const [one, two] = [await codec.seal(canary, PLACE), await codec.seal(canary, PLACE)]
    expect(one).not.toBe(two)
    expect(Buffer.from(one.split('\n')[1]!, 'base64').toString('latin1')).not.toContain('canary')
    expect(one).not.toContain('canary')
    expect(await codec.open(one, PLACE)).toBe(canary)
  })

  test('any change of it is noticed', async () => {
    const stored = await codec.seal(SHORT, PLACE)
    const body = Buffer.from(stored.split('\n')[1]!, 'base64')
    for (let at = 0; at < body.length; at++) {
      const changed = Buffer.from(body)
      changed[at]! ^= 1
      expect(await opened(codec, `b;aes-gcm.k1\n${changed.toString('base64')}`)).toBeUndefined()
    }
    for (const length of [0, 1, 12, 27, body.length - 1])
      expect(
        await opened(codec, `b;aes-gcm.k1\n${body.subarray(0, length).toString('base64')}`),
      ).toBeUndefined()
    expect(await opened(codec, stored)).toBe(SHORT)
  })

  test.each<[string, typeof PLACE]>([
    ['key', { ...PLACE, key: 'shop:users:43' }],
    ['namespace', { ...PLACE, namespace: 'shop' }],
    ['prefix', { key: 'other:users:42', namespace: 'other:users' }],
    ['place that reads alike', { key: 'shop:users', namespace: '42shop:users' }],
  ])('moved to another %s it does not open', async (_, place) => {
    expect(await opened(codec, await codec.seal(SHORT, PLACE), place)).toBeUndefined()
  })

  test('what was never encrypted does not open, unless it is wanted', async () => {
    expect(await opened(codec, SHORT)).toBeUndefined()
    const taking = codecs(encryption({ keys: KEYS, acceptPlain: true }))
    expect(await opened(taking, SHORT)).toBe(SHORT)
    expect(await opened(taking, await codec.seal(SHORT, PLACE))).toBe(SHORT)
    const packed = await codecs(compression()).seal(LONG, PLACE)
    expect(await opened(codecs(compression(), encryption({ keys: KEYS })), packed)).toBeUndefined()
  })

  test('keys rotate: the first encrypts, all decrypt', async () => {
    const old = await codec.seal(SHORT, PLACE)
    const other = { id: 'k2', secret: new Uint8Array(16).fill(1) }
    const both = codecs(encryption({ keys: [other, ...KEYS] }))
    expect((await both.seal(SHORT, PLACE)).startsWith('b;aes-gcm.k2\n')).toBe(true)
    expect(await opened(both, old)).toBe(SHORT)
    expect(await opened(codecs(encryption({ keys: [other] })), old)).toBeUndefined()
    // The same id over another secret is another key.
    expect(await opened(codecs(encryption({ keys: [{ ...other, id: 'k1' }] })), old)).toBeUndefined()
    expect(await opened(both, old.replace('k1', 'k2'))).toBeUndefined()
    const twins = codecs(encryption({ keys: [...KEYS, { id: 'twin', secret: SECRET }] }))
    expect(await opened(twins, old.replace('k1', 'twin'))).toBeUndefined()
  })

  test('a secret may be bytes, a key, base64url, or a function', async () => {
    const bytes = new Uint8Array(32).fill(255)
    const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
    const url = Buffer.from(bytes).toString('base64url')
    const ways = [bytes, key, Buffer.from(bytes).toString('base64'), url, () => bytes, async () => url]
    const stored = await codecs(encryption({ keys: [{ id: 'k', secret: bytes }] })).seal(SHORT, PLACE)
    for (const secret of ways)
      expect(await opened(codecs(encryption({ keys: [{ id: 'k', secret }] })), stored)).toBe(SHORT)
  })

  test('a secret is asked for once it is needed, and imported once', async () => {
    let asked = 0
    const secret = (): string => {
      asked++
      return SECRET
    }
    const lazy = codecs(encryption({ keys: [{ id: 'k', secret }] }))
    expect(asked).toBe(0)
    await lazy.seal(SHORT, PLACE)
    await lazy.seal(SHORT, PLACE)
    expect(asked).toBe(1)
  })

  test.each<[string, unknown]>([
    ['of 15 bytes', toBase64(new Uint8Array(15))],
    ['that is no base64', '!secret canary!'],
    ['that is a number', 42],
    ['that is null', null],
    ['that is an object', {}],
    ['that is a buffer', new ArrayBuffer(32)],
  ])('a secret %s is told when it is needed, and not shown', async (_, secret) => {
    const bad = codecs(encryption({ keys: [{ id: 'k', secret: secret as string }] }))
    const failure = (await failureOf(Promise.resolve(bad.seal(SHORT, PLACE)))) as Error
    expect(failure).toMatchObject({ code: 'E_INVALID_OPTION', option: 'secret of the key k' })
    expect(failure.message).not.toContain('canary')
  })

  test.each<[unknown]>([
    [[]],
    ['k1'],
    [[{ secret: SECRET }]],
    [[{ id: 'a,b', secret: SECRET }]],
    [
      [
        { id: 'a', secret: SECRET },
        { id: 'a', secret: SECRET },
      ],
    ],
  ])('keys %o are refused', (keys) => {
    expect(() => encryption({ keys: keys as never })).toThrow('Invalid keys')
    expect(() => encryption(undefined as never)).toThrow('Invalid options')
  })
})

describe('steps', () => {
  test('compress first, then encrypt', async () => {
    const codec = codecs(compression(), encryption({ keys: KEYS }))
    const stored = await codec.seal(LONG, PLACE)
    expect(stored.startsWith('b;gzip,aes-gcm.k1\n')).toBe(true)
    expect(stored.length).toBeLessThan(LONG.length / 10)
    expect(await codec.open(stored, PLACE)).toBe(LONG)
    expect((await codec.seal(SHORT, PLACE)).startsWith('b;aes-gcm.k1\n')).toBe(true)
    // The list of steps is authenticated too.
    expect(await opened(codec, stored.replace('gzip,', ''))).toBeUndefined()
    expect(await opened(codec, stored.replace('gzip', 'deflate'))).toBeUndefined()
  })

  test('an unknown step is a miss', async () => {
    const stored = await codecs(compression()).seal(LONG, PLACE)
    expect(await opened(codecs(encryption({ keys: KEYS, acceptPlain: true })), stored)).toBeUndefined()
    expect(await opened(codecs(compression()), 'b;zstd\nAAAA')).toBeUndefined()
    expect(await opened(codecs(compression()), 'b;\nAAAA')).toBeUndefined()
  })

  test('steps are undone once each, in their order, or not at all', async () => {
    let undone = 0
    const counted: CodecStage = {
      ...compression(),
      decode: () => {
        undone++
        throw new Error('never')
      },
    }
    const codec = codecs(counted, encryption({ keys: KEYS }))
    for (const ids of [
      'aes-gcm.k1,gzip',
      `aes-gcm.k1,${'gzip,'.repeat(200)}gzip`,
      'gzip,gzip,aes-gcm.k1',
      'aes-gcm.k1,aes-gcm.k1',
    ])
      expect(await opened(codec, `b;${ids}\nAAAA`)).toBeUndefined()
    expect(undone).toBe(0)
  })

  test('what is no step, and two of a kind, are refused', () => {
    expect(() => codecs({} as CodecStage)).toThrow('Invalid codecs[0]')
    expect(() => codecs(undefined as never)).toThrow('Invalid codecs[0]')
    expect(() => codecs(compression(), compression({ format: 'deflate' }))).toThrow('Invalid codecs[1]')
  })

  test('what is no text does not open', async () => {
    const codec = codecs(compression({ threshold: 1 }))
    expect(await opened(codec, `b;gzip\n${toBase64(gzipSync(Buffer.from([0x74, 0xff])))}`)).toBeUndefined()
  })

  test('a text may begin with a byte order mark', async () => {
    const codec = codecs(compression({ threshold: 1 }))
    const text = `\uFEFF${LONG}`
    expect(await codec.open(await codec.seal(text, PLACE), PLACE)).toBe(text)
  })

  test('any text comes back as it was', async () => {
    const codec = codecs(compression({ threshold: 1 }), encryption({ keys: KEYS }))
    await assert(
      asyncProperty(string({ unit: 'grapheme', maxLength: 300 }), async (text) => {
        expect(await codec.open(await codec.seal(text, PLACE), PLACE)).toBe(text)
      }),
      { numRuns: 100 },
    )
  })

  test('whatever stands in a store is opened or is nothing', async () => {
    const codec = codecs(compression(), encryption({ keys: KEYS }))
    await assert(
      asyncProperty(uint8Array({ maxLength: 100 }), string({ maxLength: 20 }), async (bytes, text) => {
        const garbage = [
          `b;${text}\n${toBase64(bytes)}`,
          `b;gzip,aes-gcm.k1\n${toBase64(bytes)}`,
          `b;aes-gcm.k1\n${text}`,
          text,
        ]
        for (const stored of garbage) expect(await opened(codec, stored)).toBeUndefined()
      }),
      { numRuns: 200 },
    )
  })
})
