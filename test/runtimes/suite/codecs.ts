import type { StoreOptions } from 'ekiben'
import { codecs, compression, encryption } from 'ekiben/codecs'
import { equal, holds, present } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { type Bench, onShared, rawDriver } from './kit.ts'

/** 32 bytes, and others. */
const SECRET = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc='
const OTHER = 'CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg='
const LONG = { text: 'ekiben '.repeat(1000) }
const FORMATS = ['gzip', 'deflate', 'deflate-raw'] as const
const sealing = (id: string, secret: string): ReturnType<typeof encryption> =>
  encryption({ keys: [{ id, secret }] })

/** Compression and encryption by what the platform has. */
export function codecCases(): RuntimeCase[] {
  return [...compressionCases(), ...encryptionCases()]
}

/** Whether this runtime can compress; by its globals, whatever it is called. */
function canCompress(): boolean {
  return typeof CompressionStream === 'function' && typeof DecompressionStream === 'function'
}

/** A case about compression. Where there is none, it has to be refused, with a typed error that says what is missing. */
function compressed(name: string, run: (bench: Bench) => Promise<void>): RuntimeCase[] {
  return onShared(name, async (bench) => {
    if (canCompress()) return run(bench)
    for (const format of FORMATS) {
      const error = thrownBy(() => compression({ format })) as { code?: string; message?: string }
      equal(error.code, 'E_INVALID_OPTION', 'code')
      holds(error.message?.includes('CompressionStream') === true, `it says ${error.message}`)
    }
  })
}

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** Writes with one cache and reads with another, of the same store. */
async function roundTrip(
  { cache }: Bench,
  { write, read = write }: { readonly write: StoreOptions; readonly read?: StoreOptions },
): Promise<unknown> {
  await cache({ awaitWrites: true, ...write }).bento.set({ key: 'k', value: LONG })
  return cache(read).bento.get({ key: 'k' })
}

/** What lies in L2 under the key. */
async function stored(place: Bench): Promise<string> {
  const { coordination } = rawDriver(place)
  const key = `${place.id}:k`
  const { entry } = await present(coordination, 'coordination').read({
    key,
    tags: [],
    namespaces: [place.id],
  })
  return present(entry?.payload, 'the payload')
}

function compressionCases(): RuntimeCase[] {
  return [
    ...compressed('what is compressed comes back, and is smaller meanwhile', async (bench) => {
      const codec = codecs(compression())
      equal(await roundTrip(bench, { write: { codec } }), LONG, 'the value')
      const payload = await stored(bench)
      holds(payload.startsWith('b;gzip\n'), `it begins with ${payload.slice(0, 10)}`)
      holds(payload.length < 1000, `it has ${payload.length} characters`)
    }),
    ...compressed('what was compressed in one way is read with another', async (bench) => {
      for (const format of FORMATS) {
        const write = { codec: codecs(compression({ format })) }
        equal(await roundTrip(bench, { write, read: { codec: codecs(compression()) } }), LONG, format)
      }
    }),
    ...compressed('what is small, or gains nothing, stays as it is', async (bench) => {
      const { bento } = bench.cache({ awaitWrites: true, codec: codecs(compression()) })
      await bento.set({ key: 'k', value: 'small' })
      holds((await stored(bench)).startsWith('t;'), 'it must be stored as it is')
    }),
    ...compressed('what decompresses to too much counts as missing', async (bench) => {
      const read = { codec: codecs(compression({ maxBytes: 100 })) }
      equal(await roundTrip(bench, { write: { codec: codecs(compression()) }, read }), undefined, 'the value')
    }),
    ...compressed('what is compressed and encrypted comes back', async (bench) => {
      const codec = codecs(compression(), sealing('k1', SECRET))
      equal(await roundTrip(bench, { write: { codec } }), LONG, 'the value')
      holds((await stored(bench)).startsWith('b;gzip,aes-gcm.k1\n'), 'both steps must be named')
    }),
  ]
}

function encryptionCases(): RuntimeCase[] {
  return [
    ...onShared('what is encrypted comes back, and cannot be read meanwhile', async (bench) => {
      const codec = codecs(sealing('k1', SECRET))
      equal(await roundTrip(bench, { write: { codec } }), LONG, 'the value')
      const payload = await stored(bench)
      holds(payload.startsWith('b;aes-gcm.k1\n') && !payload.includes('ekiben'), 'it must be sealed')
    }),
    ...onShared('with another key of the same name it counts as missing', async (bench) => {
      const read = { codec: codecs(sealing('k1', OTHER)) }
      equal(
        await roundTrip(bench, { write: { codec: codecs(sealing('k1', SECRET)) }, read }),
        undefined,
        'the value',
      )
    }),
    ...onShared('keys rotate: the new one in front, the old one still read', async (bench) => {
      const keys = [
        { id: 'k2', secret: OTHER },
        { id: 'k1', secret: () => SECRET },
      ]
      const read = { codec: codecs(encryption({ keys })) }
      equal(
        await roundTrip(bench, { write: { codec: codecs(sealing('k1', SECRET)) }, read }),
        LONG,
        'the value',
      )
    }),
    ...onShared('what was never encrypted counts as missing, unless it is accepted', async (bench) => {
      const keys = [{ id: 'k1', secret: SECRET }]
      const strict = { codec: codecs(encryption({ keys })) }
      equal(await roundTrip(bench, { write: {}, read: strict }), undefined, 'the value')
      const lenient = { codec: codecs(encryption({ keys, acceptPlain: true })) }
      equal(await roundTrip(bench, { write: {}, read: lenient }), LONG, 'the value, accepted')
    }),
    ...onShared('a key of the runtime’s own WebCrypto is taken', async (bench) => {
      const bytes = new Uint8Array(32).fill(7)
      const secret = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
      const write = { codec: codecs(encryption({ keys: [{ id: 'k1', secret }] })) }
      equal(
        await roundTrip(bench, { write, read: { codec: codecs(sealing('k1', SECRET)) } }),
        LONG,
        'the value',
      )
    }),
    {
      name: 'codecs: what was encrypted for one key opens under no other',
      run: async () => {
        const codec = codecs(sealing('k1', SECRET))
        const sealed = await codec.seal('a payload', { key: 'a', namespace: '' })
        equal(await codec.open(sealed, { key: 'a', namespace: '' }), 'a payload', 'under its own')
        const elsewhere = async (): Promise<unknown> => codec.open(sealed, { key: 'b', namespace: '' })
        equal(await elsewhere().catch(() => undefined), undefined, 'under another')
      },
    },
  ]
}
