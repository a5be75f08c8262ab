import * as ekiben from 'ekiben'
import { BentoCache, bentostore, type Logger } from 'ekiben'
import * as core from 'ekiben/core'
import { memoryDriver } from 'ekiben/drivers/memory'
import { upstashDriver } from 'ekiben/drivers/upstash'
import { equal, holds } from '../../conformance/check.ts'
import type { Asked, AskScene } from '../scenes.ts'
import type { Place, RuntimeCase } from '../world.ts'
import { onEach, pause, redisOptions, until } from './kit.ts'

/** What goes on behind an answer, and who keeps it alive. */
export function behindCases(): RuntimeCase[] {
  return [...requestCases(), ...heldCases(), ...bindCases()]
}

/** A request of the platform that asks a cache which others ask as well. */
async function ask(
  place: Place,
  scene: Partial<AskScene>,
): Promise<{ asked: Asked; given: number | undefined }> {
  const input = { id: `${place.id}-scene`, ...redisOptions(place), ...scene }
  const { value, given } = await place.world.request('ask', input)
  return { asked: value as Asked, given }
}

function requestCases(): RuntimeCase[] {
  return [
    {
      name: 'request: a refresh behind the answer is kept alive, and the next request has it',
      run: async (place) => {
        // Its life in the store counts from the write there, which comes behind the answer.
        equal((await ask(place, { value: 'one', ttl: 300 })).asked.value, 'one', 'the first')
        await pause(700)
        const { asked, given } = await ask(place, { value: 'two', takes: 300 })
        equal(asked.value, 'one', 'the answer while it is refreshed')
        // Where the platform can be asked what it was given.
        holds(given === undefined || given > 0, `the platform was given ${given} pieces of work`)
        await until('the next request has the new value', async () => {
          const { asked: next } = await ask(place, { value: 'three', takes: 300 })
          equal(next.value === 'three', false, 'whether another factory had to run')
          return next.value === 'two'
        })
      },
    },
    {
      name: 'request: a write behind the answer reaches the store, as another isolate sees',
      run: async (place) => {
        await ask(place, { value: 'one' })
        const other = new BentoCache({
          default: 'main',
          stores: {
            main: bentostore({ prefix: `${place.id}-scene` })
              .useL1Layer(memoryDriver())
              .useL2Layer(upstashDriver(redisOptions(place))),
          },
        })
        await until('the other has it', async () => (await other.get({ key: 'k' })) === 'one')
      },
    },
    {
      name: 'request: many requests at once for one cold key run one factory',
      run: async (place) => {
        const scene = { value: 'one', takes: 200 }
        const all = await Promise.all(Array.from({ length: 5 }, () => ask(place, scene)))
        equal(
          all.map(({ asked }) => [asked.value, asked.runs]),
          all.map(() => ['one', 1]),
          'values and runs',
        )
      },
    },
    {
      name: 'request: callers within one request share a run with those of others',
      run: async (place) => {
        const input = { id: `${place.id}-scene`, ...redisOptions(place), value: 'one', takes: 200, count: 10 }
        const both = await Promise.all([1, 2].map(() => place.world.request('ask-many', input)))
        const runs = both.flatMap(({ value }) => (value as Asked[]).map((asked) => asked.runs))
        equal(
          runs,
          Array.from({ length: 20 }, () => 1),
          'runs',
        )
      },
    },
    {
      name: 'request: no connection is opened that would have to outlive it',
      run: async (place) => {
        await ask(place, { value: 'one' })
        await pause(100)
        equal((await ask(place, { value: 'two' })).asked.listens, false, 'whether it listens')
      },
    },
  ]
}

/** A cache with an expired value, whose refresh waits at a gate. */
async function expired(
  made: Pick<BentoCache, 'set' | 'getOrSet' | 'get' | 'flush'>,
): Promise<{ open(): void; refresh(): Promise<unknown>; now(): Promise<unknown> }> {
  await made.set({ key: 'k', value: 'old', ttl: 20 })
  await made.flush()
  await pause(40)
  let open = (): void => {}
  const gate = new Promise<void>((resolve) => void (open = resolve))
  return {
    open,
    refresh: () => made.getOrSet({ key: 'k', factory: async () => (await gate, 'new') }),
    now: () => made.get({ key: 'k' }),
  }
}

function heldCases(): RuntimeCase[] {
  return [
    ...onEach(
      'flush waits for a refresh behind an answer, where no request does',
      async ({ cache, world }) => {
        const { bento } = cache({ grace: '1h' })
        const scene = await expired(bento)
        equal(await scene.refresh(), 'old', 'the answer')
        let flushed = false
        const flush = bento.flush().then(() => void (flushed = true))
        await pause(50)
        // In a Worker there is always a request, and its waitUntil has taken the work.
        equal(flushed, world.adapter === 'cloudflare', 'whether there was nothing to wait for')
        scene.open()
        await flush
        if (world.adapter === 'cloudflare')
          await until('it is there', async () => (await scene.now()) === 'new')
        equal(await scene.now(), 'new', 'the next read')
      },
    ),
    ...onEach(
      'that nobody keeps the runtime alive is told once, where that may lose work',
      async ({ cache, world }) => {
        const { logger, warnings } = listening()
        const { bento } = cache({ grace: '1h' }, { logger })
        for (let round = 0; round < 2; round++) {
          const scene = await expired(bento)
          await scene.refresh()
          scene.open()
          await bento.flush()
        }
        const expected = world.adapter === 'vercel' ? 1 : 0
        equal(warnings.length, expected, `warnings, of ${JSON.stringify(warnings)}`)
      },
    ),
    {
      name: 'core: without an adapter work is held for flush, and that is told once',
      run: async () => {
        const { logger, warnings } = listening()
        const store = core.bentostore({ grace: '1h' }).useL1Layer(memoryDriver())
        const bento = new core.BentoCache({ default: 'main', stores: { main: store }, logger })
        for (let round = 0; round < 2; round++) {
          const scene = await expired(bento)
          equal(await scene.refresh(), 'old', 'the answer')
          scene.open()
          await bento.flush()
          equal(await scene.now(), 'new', 'the next read')
        }
        equal(warnings.length, 1, 'warnings')
        holds(warnings[0]?.includes('no adapter') === true, `the warning: ${warnings[0]}`)
      },
    },
    {
      name: 'core: a runtime of one’s own is taken at its word',
      run: async () => {
        const works: Promise<unknown>[] = []
        const runtime = {
          ...core.systemRuntime,
          waitUntil: (work: Promise<unknown>) => void works.push(work),
        }
        const store = core.bentostore({ grace: '1h' }).useL1Layer(memoryDriver())
        const scene = await expired(
          new core.BentoCache({ default: 'main', stores: { main: store }, runtime }),
        )
        await scene.refresh()
        equal(works.length, 1, 'works')
        scene.open()
        await Promise.all(works)
        equal(await scene.now(), 'new', 'the next read')
      },
    },
    {
      name: 'scope: withRequest hands work to its request, where the adapter has it',
      run: async ({ world, id }) => {
        const { withRequest } = ekiben as unknown as { withRequest?: WithRequest }
        // Isolates have no AsyncLocalStorage without flags: there the platform's own request is looked up.
        equal(
          withRequest !== undefined,
          !['cloudflare', 'vercel'].includes(world.adapter),
          'whether it is there',
        )
        const works: Promise<unknown>[] = []
        const request = { waitUntil: (work: Promise<unknown>) => void works.push(work) }
        const store = bentostore({ grace: '1h', prefix: id }).useL1Layer(memoryDriver())
        const bento = new BentoCache({ default: 'main', stores: { main: store } })
        const scene = await expired(bento)
        const run = (): Promise<unknown> => scene.refresh()
        equal(await (withRequest ? withRequest(request, run) : run()), 'old', 'the answer')
        equal(works.length, withRequest ? 1 : 0, 'works')
        scene.open()
        await Promise.all(works)
        await until('it is there', async () => (await scene.now()) === 'new')
      },
    },
  ]
}

type WithRequest = <Result>(request: { waitUntil(work: Promise<unknown>): void }, run: () => Result) => Result

function listening(): { readonly logger: Logger; readonly warnings: readonly string[] } {
  const warnings: string[] = []
  const logger = {
    debug: () => {},
    error: () => {},
    warn: (_fields: object, message: string) => void warnings.push(message),
  }
  return { logger, warnings }
}

function bindCases(): RuntimeCase[] {
  return [
    ...onEach('bind hands all work behind answers to its context', async ({ cache }) => {
      const { bento } = cache({ grace: '1h' })
      const works: Promise<unknown>[] = []
      const bound = bento.bind({ waitUntil: (work) => void works.push(work) })
      const scene = await expired(bound)
      await Promise.all(works)
      const before = works.length
      equal(await scene.refresh(), 'old', 'the answer')
      holds(works.length > before, `${works.length} works, ${before} before`)
      scene.open()
      await Promise.all(works)
      equal(await scene.now(), 'new', 'the next read')
    }),
    ...onEach('bind takes a method that needs its owner', async ({ cache }) => {
      class Context {
        readonly works: Promise<unknown>[] = []
        waitUntil(work: Promise<unknown>): void {
          this.works.push(work)
        }
      }
      const context = new Context()
      const bound = cache({ grace: '1h' }).bento.bind(context)
      const scene = await expired(bound)
      await scene.refresh()
      holds(context.works.length > 0, 'there must be works')
      scene.open()
      await Promise.all(context.works)
      equal(await scene.now(), 'new', 'the next read')
    }),
    ...onEach('what is bound and what is not share values and computations', async ({ cache }) => {
      const { bento } = cache()
      const works: Promise<unknown>[] = []
      const bound = bento.bind({ waitUntil: (work) => void works.push(work) })
      let runs = 0
      const factory = async (): Promise<number> => (await pause(30), ++runs)
      const answers = await Promise.all([bento, bound].map((one) => one.getOrSet({ key: 'k', factory })))
      equal([answers, runs], [[1, 1], 1], 'answers and runs')
      await Promise.all(works)
    }),
  ]
}
