import { describe, expect, test, vi } from 'vitest'
import { cloudflareKvDriver } from '../../../drivers/cloudflare-kv.ts'
import { durableObjectBusDriver } from '../../../drivers/durable-object.ts'
import { memoryDriver } from '../../../drivers/memory.ts'
import { plainDriver } from '../../../drivers/plain.ts'
import { upstashDriver } from '../../../drivers/upstash.ts'
import { advisor, ADVICE_CODES, type AdvisorOptions } from '../../../src/extras/advisor.ts'
import { BentoCache, type BentoStore, bentostore, type StoreOptions } from '../../../src/index.ts'

const redis = () => upstashDriver({ url: 'https://cache.test', token: 'token' })
const kv = () => cloudflareKvDriver({ binding: () => undefined })
const L1 = (options: StoreOptions = {}) => bentostore(options).useL1Layer(memoryDriver())

/** What is said of stores: the codes, and the stores' names. */
function advised(
  stores: Record<string, BentoStore>,
  globals: StoreOptions = {},
  options: AdvisorOptions = {},
): string[] {
  const warn = vi.fn<(fields: object, message: string) => void>()
  const logger = { debug: vi.fn(), warn, error: vi.fn() }
  const names = Object.keys(stores)
  const bento = new BentoCache({
    default: names[0] as string,
    stores,
    plugins: [advisor(options)],
    logger,
    ...globals,
  })
  expect(bento.defaultStoreName).toBe(names[0])
  const fields = warn.mock.calls.map(([told]) => told as { code?: string; store: string; message: string })
  const advice = fields.filter(({ code }) => code)
  expect(advice.map(({ message }) => message.at(-1)).join('')).toMatch(/^\.*$/)
  return advice.map(({ code, store }) => `${code} ${store}`)
}

const main = (store: BentoStore) => ({ main: store })
const NAMED = { prefix: 'shop' }

test.each<[string, string[], Record<string, BentoStore>, StoreOptions?]>([
  ['a sound store', [], main(L1({ ttl: '1m', grace: '1h', timeout: 100 }))],
  ['a sound store with L2', [], main(L1({ ...NAMED, ttl: '1m' }).useL2Layer(redis()))],
  ['an option that does not exist', ['ADVICE_UNKNOWN_OPTION main'], main(L1({ gracee: '1h' } as object))],
  [
    'the same globally, once',
    ['ADVICE_UNKNOWN_OPTION a'],
    { a: L1(), b: L1() },
    { eagerRefesh: 0.5 } as object,
  ],
  ['grace shorter than ttl', ['ADVICE_GRACE_SHORTER main'], main(L1({ ttl: '1h', grace: '1m' }))],
  ['grace equal to ttl', ['ADVICE_GRACE_SHORTER main'], main(L1({ ttl: '1h', grace: '1h' }))],
  ['grace with an endless ttl', ['ADVICE_GRACE_SHORTER main'], main(L1({ ttl: null, grace: '1h' }))],
  ['the same by the global level', ['ADVICE_GRACE_SHORTER main'], main(L1({ ttl: '1h' })), { grace: '1m' }],
  ['timeout without grace', ['ADVICE_TIMEOUT_WITHOUT_GRACE main'], main(L1({ timeout: 100 }))],
  [
    'hardTimeout before timeout',
    ['ADVICE_HARD_BEFORE_SOFT main'],
    main(L1({ ttl: '1m', grace: '1h', timeout: '2s', hardTimeout: '1s' })),
  ],
  [
    'leaseTtl before hardTimeout',
    ['ADVICE_LEASE_SHORTER main'],
    main(L1({ ...NAMED, leaseTtl: '1s', hardTimeout: '10s' }).useL2Layer(redis())),
  ],
  [
    'pollInterval after maxStaleness',
    ['ADVICE_POLL_AFTER_TRUST main'],
    main(L1({ ...NAMED, pollInterval: '5s' }).useL2Layer(redis())),
  ],
  [
    'a long life in L1 with KV alone',
    ['ADVICE_LONG_L1 main'],
    main(L1({ ...NAMED, l1Ttl: '5m' }).useL2Layer(kv())),
  ],
  [
    'the same beside a bus',
    [],
    main(
      L1({ ...NAMED, l1Ttl: '5m', leaseTtl: '5s' })
        .useL2Layer(kv())
        .useBus(durableObjectBusDriver({ binding: () => undefined })),
    ),
  ],
  [
    'locks with KV alone',
    ['ADVICE_LOCKS_WITHOUT_COORDINATOR main'],
    main(L1({ ...NAMED, lockTimeout: '1s' }).useL2Layer(kv())),
  ],
  [
    'a long life in L1 with a plain driver',
    ['ADVICE_LONG_L1 main'],
    main(L1({ ...NAMED, l1Ttl: '5m' }).useL2Layer(plainDriver(memoryDriver()))),
  ],
  ['no prefix', ['ADVICE_DEFAULT_PREFIX main'], main(L1().useL2Layer(redis()))],
  [
    'a prefix of the driver',
    [],
    main(L1().useL2Layer(upstashDriver({ url: 'https://a.test', token: 't', prefix: 'p' }))),
  ],
  [
    'two stores in one place',
    ['ADVICE_SHARED_KEYS two'],
    { one: L1(NAMED).useL2Layer(redis()), two: L1(NAMED).useL2Layer(redis()) },
  ],
  [
    'two stores in one place by two names',
    [],
    { one: L1(NAMED).useL2Layer(redis()), two: L1({ prefix: 'other' }).useL2Layer(redis()) },
  ],
  [
    'shared objects under a second tier',
    ['ADVICE_SHARED_OBJECTS main'],
    main(
      bentostore(NAMED)
        .useL1Layer(memoryDriver({ serialize: false }))
        .useL2Layer(redis()),
    ),
  ],
  ['no layer', ['ADVICE_NO_LAYER main'], main(bentostore())],
  ['the cache is off', ['ADVICE_OFF main'], main(L1({ enabled: false }))],
])('%s', (_, expected, stores, globals) => {
  expect(advised(stores, globals)).toEqual(expected)
})

describe('advisor', () => {
  test('is silent about what it is told to be silent about', () => {
    expect(advised(main(bentostore()), {}, { except: ['ADVICE_NO_LAYER'] })).toEqual([])
    expect(() => advisor({ except: 'ADVICE_OFF' as never })).toThrow('Invalid except')
    expect(() => advisor({ except: ['ADVICE_NONE'] })).toThrow('ADVICE_GRACE_SHORTER')
  })

  test('builds no driver', () => {
    const factory = vi.fn()
    advised(main(bentostore(NAMED).useL2Layer({ options: {}, factory })))
    expect(factory).not.toHaveBeenCalled()
  })

  test('every code has a case', () => {
    expect(ADVICE_CODES).toHaveLength(13)
  })
})

test('an option that does not exist is told with the one that was probably meant', () => {
  const warn = vi.fn<(fields: object, message: string) => void>()
  const made = new BentoCache({
    default: 'main',
    stores: { main: L1({ gracee: '1h', TTL: 1, colour: 'red' } as object) },
    plugins: [advisor()],
    logger: { debug: vi.fn(), warn, error: vi.fn() },
  })
  expect(made.defaultStoreName).toBe('main')
  expect(warn.mock.calls.map(([fields]) => (fields as { message: string }).message)).toEqual([
    'There is no such option, so it does nothing: gracee (did you mean grace?), TTL (did you mean ttl?), colour.',
  ])
})
