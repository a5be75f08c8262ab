import { equal, holds } from '../../conformance/check.ts'
import type { RuntimeCase } from '../world.ts'
import { failureOf, onEach, pause, tellControl, until } from './kit.ts'

/** Long enough for a machine with other things to do, short of any deadline of a case. */
const LONG = 20_000
const SOON = 2000

/** Expired values, slow factories, and deadlines by the runtime's own timers. */
export function stalenessCases(): RuntimeCase[] {
  return [
    ...onEach(
      'an expired value is given at once while it is refreshed, and the next has the new one',
      async ({ cache }) => {
        const { bento } = cache({ grace: '1h' })
        await bento.set({ key: 'k', value: 'old', ttl: 20 })
        await pause(40)
        const factory = async (): Promise<string> => (await pause(50), 'new')
        equal(await bento.getOrSet({ key: 'k', factory }), 'old', 'the first')
        await until('the new value is there', async () => (await bento.get({ key: 'k' })) === 'new')
      },
    ),
    ...onEach('without grace nothing expired is given', async ({ cache }) => {
      const { bento } = cache()
      await bento.set({ key: 'k', value: 'old', ttl: 20 })
      await pause(40)
      equal(await bento.getOrSet({ key: 'k', factory: () => 'new' }), 'new', 'the answer')
    }),
    ...onEach('past its soft timeout a caller is given the graced value', async ({ cache }) => {
      const { bento } = cache({ grace: '1h', timeout: 60 })
      await bento.set({ key: 'k', value: 'old', ttl: 20 })
      await pause(40)
      let go = (): void => {}
      const gate = new Promise<void>((resolve) => void (go = resolve))
      const factory = async (): Promise<string> => (await gate, 'new')
      equal(await bento.getOrSet({ key: 'k', factory }), 'old', 'past the timeout')
      go()
      await until('the new value is there', async () => (await bento.get({ key: 'k' })) === 'new')
    }),
    ...onEach('within its soft timeout a caller is given the new value', async ({ cache }) => {
      const { bento } = cache({ grace: '1h', timeout: LONG })
      await bento.set({ key: 'k', value: 'old', ttl: 20 })
      await pause(40)
      const factory = async (): Promise<string> => (await pause(20), 'new')
      equal(await bento.getOrSet({ key: 'k', factory }), 'new', 'the answer')
    }),
    ...onEach(
      'past its hard timeout a caller without a value is rejected, and the signal aborts',
      async ({ cache }) => {
        const { bento } = cache()
        let signal: AbortSignal | undefined
        const factory = async (ctx: { signal: AbortSignal }): Promise<string> => {
          signal = ctx.signal
          return new Promise(() => {})
        }
        const start = performance.now()
        const error = await failureOf(bento.getOrSet({ key: 'k', hardTimeout: 80, factory }))
        const waited = performance.now() - start
        equal(error.code, 'E_FACTORY_HARD_TIMEOUT', 'code')
        holds(waited >= 70 && waited < LONG, `it waited for ${waited} ms`)
        await until('the signal aborts', () => signal?.aborted === true, SOON)
      },
    ),
    ...onEach('the signal ends a fetch of the factory', async ({ cache, world }) => {
      const { bento } = cache()
      const url = `${world.servers.faulty}/?hangs-for-ever`
      await tellControl(world, 'hangs-for-ever', { kind: 'hang' })
      let ended: unknown
      const factory = async ({ signal }: { signal: AbortSignal }): Promise<string> => {
        try {
          const response = await fetch(url, { method: 'POST', body: '[]', signal })
          return await response.text()
        } catch (error) {
          ended = error
          throw error
        }
      }
      // Which of the two comes first, the end of the wait or that of the request, is the timers' affair.
      const { code } = await failureOf(bento.getOrSet({ key: 'k', hardTimeout: 80, factory }))
      holds(/^E_FACTORY_(?:HARD_TIMEOUT|ERROR)$/.test(code ?? ''), `code: ${code}`)
      await until('the request is given up', () => ended !== undefined, SOON)
      equal((ended as { name?: string }).name, 'AbortError', 'what the request ended with')
    }),
    ...onEach(
      'a signal that nobody asked for costs nothing, and is not aborted after the run',
      async ({ cache }) => {
        const { bento } = cache()
        let signal: AbortSignal | undefined
        await bento.getOrSet({ key: 'k', hardTimeout: 40, factory: (ctx) => ((signal = ctx.signal), 'made') })
        await pause(80)
        equal(signal?.aborted, false, 'whether it aborted')
      },
    ),
    ...onEach('a graced value hides that the factory fails, and spares it for a while', async ({ cache }) => {
      const { bento } = cache({ grace: '1h', timeout: LONG })
      await bento.set({ key: 'k', value: 'old', ttl: 20 })
      await pause(40)
      let runs = 0
      const factory = (): never => {
        runs++
        throw new Error('down')
      }
      equal(await bento.getOrSet({ key: 'k', factory }), 'old', 'the first')
      equal(await bento.getOrSet({ key: 'k', factory }), 'old', 'the second')
      equal(runs, 1, 'runs')
    }),
    ...onEach('a graced value is offered to the factory', async ({ cache }) => {
      const { bento } = cache({ grace: '1h', timeout: LONG })
      await bento.set({ key: 'k', value: 1, ttl: 20 })
      await pause(40)
      const factory = ({ gracedEntry }: { gracedEntry: { value: number } | undefined }): number =>
        (gracedEntry?.value ?? 0) + 1
      equal(await bento.getOrSet({ key: 'k', factory }), 2, 'the answer')
    }),
    ...onEach(
      'who asks while another computes for too long takes over at its deadline',
      async ({ cache }) => {
        const { bento, steps } = cache({ hardTimeout: 150 })
        const first = failureOf(bento.getOrSet({ key: 'k', factory: () => new Promise<string>(() => {}) }))
        await pause(100)
        const second = bento.getOrSet({ key: 'k', factory: () => 'made' })
        equal((await first).code, 'E_FACTORY_HARD_TIMEOUT', 'the first')
        equal(await second, 'made', 'the second')
        holds(
          steps.some(({ type }) => type === 'flight.takeover'),
          'the flight must be taken over',
        )
      },
    ),
    ...onEach('what onFactoryError throws is nobody else’s trouble', async ({ cache }) => {
      const told: string[] = []
      const { bento } = cache({
        onFactoryError: (error) => {
          told.push(error.code)
          throw new Error('mine')
        },
      })
      const factory = (): never => {
        throw new Error('down')
      }
      equal((await failureOf(bento.getOrSet({ key: 'k', factory }))).code, 'E_FACTORY_ERROR', 'code')
      equal(told, ['E_FACTORY_ERROR'], 'what was told')
    }),
  ]
}
