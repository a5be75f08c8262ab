import { BentoCacheInstrumentation } from '@bentocache/otel'
import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanOptions,
  trace,
  type TracerProvider,
} from '@opentelemetry/api'
import * as bentocache from 'bentocache'
import { AsyncLocalStorage } from 'node:async_hooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as ekiben from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { memoryDriver as bentocacheMemory } from 'bentocache/drivers/memory'
import { settle } from './pair.ts'
import { type AnyCache, type Script, SCRIPTS } from './scripts.ts'

/** A span, as far as it is looked at. */
interface Told {
  readonly name: string
  readonly kind: number | undefined
  readonly parent: string | undefined
  readonly attributes: Attributes
  error?: string | undefined
  ended: number
}

/** The smallest provider that holds what it is told. */
function makeProvider(spans: Told[]): TracerProvider {
  const names = new WeakMap<Span, string>()
  const startSpan = (name: string, options: SpanOptions = {}, parent: Context = context.active()): Span => {
    const above = trace.getSpan(parent)
    const told: Told = {
      name,
      kind: options.kind,
      parent: above && names.get(above),
      attributes: { ...options.attributes },
      ended: 0,
    }
    spans.push(told)
    const span = {
      setAttribute: (key: string, value: never) => void (told.attributes[key] = value),
      setStatus: ({ message }: { message?: string }) => void (told.error = message),
      recordException: () => {},
      end: () => void told.ended++,
      spanContext: () => ({ traceId: '1'.repeat(32), spanId: '1'.repeat(16), traceFlags: 1 }),
    } as unknown as Span
    names.set(span, name)
    return span
  }
  return { getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) }
}

const storage = new AsyncLocalStorage<Context>()

beforeAll(() => {
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, thisArg, ...args) => storage.run(active, () => run.apply(thisArg as never, args)),
    bind: (_, target) => target,
    enable: () => context as never,
    disable: () => context as never,
  })
})

afterAll(() => context.disable())

type Exports = Parameters<BentoCacheInstrumentation['manuallyRegister']>[0]

/** What the instrumentation makes of a script. */
async function spansOf(
  exports: Exports,
  script: Script,
  options: object,
  make: (exports: Exports) => AnyCache,
) {
  const spans: Told[] = []
  const instrumentation = new BentoCacheInstrumentation({ includeKeys: true, ...options })
  instrumentation.setTracerProvider(makeProvider(spans))
  const exported = { ...exports }
  instrumentation.manuallyRegister(exported)
  instrumentation.enable()
  try {
    await script.run(make(exported), settle)
    await settle()
  } finally {
    instrumentation.disable()
  }
  return spans
}

const ours = (exports: Exports): AnyCache => {
  const { BentoCache } = exports as typeof ekiben
  const main = ekiben.bentostore({ grace: '1h' }).useL1Layer(memoryDriver())
  return new BentoCache({ default: 'main', stores: { main } })
}
const theirs = (exports: Exports): AnyCache => {
  const { BentoCache } = exports as typeof bentocache
  const main = bentocache.bentostore({ grace: '1h' }).useL1Layer(bentocacheMemory({}))
  return new BentoCache({ default: 'main', stores: { main } })
}

describe('@bentocache/otel, registered by hand', () => {
  const scripts = SCRIPTS.filter(({ stacks, name, atOnce }) => !stacks && !atOnce && name !== 'tags')

  test.each(scripts)('makes the spans it makes for Bentocache: $name', async (script) => {
    const options = { requireParentSpan: false }
    const spans = await spansOf(ekiben, script, options, ours)
    const expected = await spansOf(bentocache, script, options, theirs)
    expect(expected.length).toBeGreaterThan(0)
    expect(spans).toEqual(expected)
    expect(spans.every(({ ended }) => ended === 1)).toBe(true)
  })

  test('names, kind, attributes and parents are those of its documentation', async () => {
    const script: Script = {
      name: 'one miss',
      grace: false,
      run: (cache) => cache.getOrSet({ key: 'k', factory: () => 1 }),
    }
    const spans = await spansOf(ekiben, script, { requireParentSpan: false }, ours)
    const about = { 'cache.store': 'main', 'cache.key': 'bentocache:k' }
    const shape = { kind: 0, ended: 1, parent: 'cache.getOrSet' }
    expect(spans).toEqual([
      {
        ...shape,
        name: 'cache.getOrSet',
        parent: undefined,
        attributes: { ...about, 'cache.operation': 'getOrSet', 'cache.hit': false },
      },
      { ...shape, name: 'cache.factory', attributes: { ...about, 'cache.operation': 'factory' } },
      { ...shape, name: 'cache.set', attributes: { ...about, 'cache.operation': 'set' } },
    ])
  })

  test('keeps the calls to L2 out of the trace, through the class it has patched', async () => {
    const seen: boolean[] = []
    const l2 = bentocacheMemory({})
    const noting = {
      options: {},
      factory: (config: object) => {
        const driver = l2.factory(config)
        const get = driver.get.bind(driver)
        // The wrapper of the instrumentation runs each call in a context of its own.
        driver.get = (key) => (seen.push(context.active() !== ROOT_CONTEXT), get(key))
        return driver
      },
    }
    const script: Script = {
      name: 'one look into L2',
      grace: false,
      run: (cache) => cache.getOrSet({ key: 'k', factory: () => context.active() === ROOT_CONTEXT }),
    }
    const spans = await spansOf(ekiben, script, { requireParentSpan: false }, (exports) => {
      const { BentoCache } = exports as typeof ekiben
      const stores = { main: ekiben.bentostore().useL2Layer(noting) }
      return new BentoCache({ default: 'main', stores })
    })
    expect([seen.length > 0, seen.every(Boolean)]).toEqual([true, true])
    expect(spans.map(({ name }) => name)).toEqual(['cache.getOrSet', 'cache.factory', 'cache.set'])
  })

  test('wants a parent unless told otherwise, and keeps keys to itself', async () => {
    const run = (cache: AnyCache): Promise<unknown> => cache.get({ key: 'k' })
    const script: Script = { name: 'one look', grace: false, run }
    expect(await spansOf(ekiben, script, {}, ours)).toEqual([])
    const options = { requireParentSpan: false, includeKeys: false }
    const [span] = await spansOf(ekiben, script, options, ours)
    expect(Object.keys(span!.attributes)).toEqual(['cache.operation', 'cache.store', 'cache.hit'])
  })
})
