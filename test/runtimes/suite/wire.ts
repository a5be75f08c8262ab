import { binary } from 'ekiben/serializers'
import { codecs, compression, encryption } from 'ekiben/codecs'
import { equal, holds, present } from '../../conformance/check.ts'
import type { Place, RuntimeCase } from '../world.ts'
import { type Bench, onShared, rawDriver } from './kit.ts'

/** Where the golden files were written for, and with what. */
const PLACE = { key: 'bentocache:k', namespace: 'bentocache' }
const KEYS = [{ id: 'k1', secret: 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=' }]
const HOUR = 3_600_000

function golden({ world }: Place, name: string): string {
  return present(world.servers.wire[name], name)
}

/** The text that all golden files of codecs hold. */
function plainText(place: Place): string {
  return golden(place, 'payload-v1-notes.txt')
}

/** Puts a payload where the cache would, as another release, or another runtime, has. */
async function put(bench: Bench, payload: string, key = 'k'): Promise<void> {
  const { coordination } = rawDriver(bench)
  const reply = await present(coordination, 'coordination').commit({
    op: crypto.randomUUID(),
    version: crypto.randomUUID(),
    key: `${bench.id}:${key}`,
    payload,
    freshFor: HOUR,
    staleFor: HOUR,
    tags: [],
    namespaces: [bench.id],
    mode: { kind: 'set' },
  })
  equal(reply.stored, true, 'stored')
}

async function payloadOf(bench: Bench, key = 'k'): Promise<string> {
  const { coordination } = rawDriver(bench)
  const names = { tags: [], namespaces: [bench.id] }
  const { entry } = await present(coordination, 'coordination').read({ key: `${bench.id}:${key}`, ...names })
  return present(entry?.payload, 'the payload')
}

/** The form of values in the store, which all runtimes and releases share. */
export function wireCases(): RuntimeCase[] {
  return [
    ...onShared('wire: what the golden file holds is read', async (bench) => {
      const [header = '', ...body] = golden(bench, 'payload-v1.txt').split('\n')
      const { key: _real, ...rest } = JSON.parse(header.slice(2)) as { key?: string }
      await put(bench, `t;${JSON.stringify(rest)}\n${body.join('\n')}`)
      equal(
        await bench.cache().bento.get({ key: 'k' }),
        { dish: 'taimeshi', price: 1180, line: 'two\nlines' },
        'the value',
      )
    }),
    ...onShared(
      'wire: what another key has written is not read, as the golden file names it',
      async (bench) => {
        await put(bench, golden(bench, 'payload-v1.txt'))
        equal(await bench.cache().bento.get({ key: 'k' }), undefined, 'the value')
      },
    ),
    ...onShared('wire: what is written is the golden form, but for the clock', async (bench) => {
      const value = { dish: 'taimeshi', price: 1180, line: 'two\nlines' }
      await bench.cache({ awaitWrites: true }).bento.set({ key: 'k', value })
      const payload = await payloadOf(bench)
      const created = Number(/"created":(\d+)/.exec(payload)?.[1])
      holds(Math.abs(created - Date.now()) < 60_000, `created is ${created}`)
      const body = golden(bench, 'payload-v1.txt').split('\n').slice(1).join('\n')
      equal(payload, `t;{"v":1,"created":${created}}\n${body}`, 'the payload')
    }),
    ...onShared('wire: bytes are base64 behind a mark', async (bench) => {
      const { bento } = bench.cache({ awaitWrites: true, serializer: binary() })
      await bento.set({ key: 'k', value: new Uint8Array([1, 2, 253]) })
      equal(
        (await payloadOf(bench)).split('\n')[1],
        JSON.stringify('\u0001bytes:Uint8Array:AQL9'),
        'the body',
      )
    }),
    ...onShared('wire: what cannot be read counts as missing, and is made anew', async (bench) => {
      for (const garbage of [
        '',
        'z;{"v":1}\n1',
        't;{"v":2,"created":1}\n1',
        't;{"v":1,"created":1}\n{',
        'b;zip\nAAAA',
      ]) {
        await put(bench, garbage)
        equal(await bench.cache().bento.get({ key: 'k' }), undefined, `what ${JSON.stringify(garbage)} gives`)
      }
      equal(await bench.cache().bento.getOrSet({ key: 'k', factory: () => 'made' }), 'made', 'the answer')
    }),
    ...(['gzip', 'deflate', 'deflate-raw'] as const).map((format) => ({
      name: `wire: the golden file of ${format} is opened`,
      run: async (place: Place) => {
        // Where nothing decompresses, `codecs.ts` asks for the refusal; what has that form is then nobody's.
        if (!('DecompressionStream' in globalThis))
          return equal(
            await codecs().open(golden(place, `payload-v1-${format}.txt`), PLACE),
            undefined,
            'opened',
          )
        const opened = await codecs(compression()).open(golden(place, `payload-v1-${format}.txt`), PLACE)
        equal(opened, plainText(place), 'opened')
      },
    })),
    {
      name: 'wire: the golden file of gzip and AES-GCM is opened, or decrypted at least',
      run: async (place) => {
        const sealed = golden(place, 'payload-v1-gzip-aes-gcm.txt')
        if ('DecompressionStream' in globalThis) {
          const both = codecs(compression(), encryption({ keys: KEYS }))
          return equal(await both.open(sealed, PLACE), plainText(place), 'opened')
        }
        equal(
          await codecs(encryption({ keys: KEYS })).open(sealed, PLACE),
          undefined,
          'opened without compression',
        )
      },
    },
    {
      name: 'wire: what is encrypted here is opened with the same key, as the golden file was',
      run: async (place) => {
        const codec = codecs(encryption({ keys: KEYS }))
        const sealed = await codec.seal(plainText(place), PLACE)
        holds(sealed.startsWith('b;aes-gcm.k1\n'), `it begins with ${sealed.slice(0, 20)}`)
        equal(await codec.open(sealed, PLACE), plainText(place), 'opened')
      },
    },
  ]
}
