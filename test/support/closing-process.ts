// A process that serves a stale value, refreshes it behind the answer, and is then asked to end. Says what happens.
import { BentoCache, bentostore, closeOnSignals } from '../../adapters/node.ts'
import { memoryDriver } from '../../drivers/memory.ts'

/** How it behaves. */
export interface Scene {
  /** Milliseconds the refresh still takes when the process is asked to end; absent: it never ends. */
  readonly refresh?: number
  readonly timeout?: string
  /** What comes first throws, or takes a while. */
  readonly first?: 'fails' | 'waits'
  /** Whether the application ends itself, by a listener of its own, and how that listens. */
  readonly ownListener?: 'on' | 'once'
  /** Whether another cache of the process is done sooner. */
  readonly other?: boolean
  readonly takenBack?: boolean
}

const { refresh, timeout, first, ownListener, other, takenBack }: Scene = JSON.parse(process.argv[2] ?? '{}')

let asked = (): void => {}
const end = new Promise<void>((resolve) => (asked = resolve))
const bento = new BentoCache({
  default: 'main',
  stores: { main: bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver()) },
})
if (ownListener)
  process[ownListener]('SIGTERM', () => {
    console.log('own listener')
    // Later than the cache is done: whoever raised the signal again would be heard.
    const exit = (): void => void setTimeout(() => process.exit(3), 100)
    bento.flush().then(exit, exit)
  })
if (other) closeOnSignals(new BentoCache({ default: 'main', stores: { main: bentostore() } }))
const stop = closeOnSignals(bento, {
  timeout: timeout ?? '1m',
  first: async () => {
    console.log('first')
    asked()
    if (first === 'fails') throw new Error('the server does not close')
    if (first !== 'waits') return
    await new Promise((resolve) => setTimeout(resolve, 100))
    console.log('closed')
  },
})
if (takenBack) stop()

await bento.set({ key: 'k', value: 'old' })
await bento.expire({ key: 'k' })
const factory = async (): Promise<string> => {
  await end
  return new Promise((resolve) => {
    if (refresh !== undefined) setTimeout(resolve, refresh, 'new')
  })
}
bento.on('cache:written', () => console.log('refreshed'))
console.log(await bento.getOrSet({ key: 'k', factory }))
// As a server that listens.
setTimeout(() => {}, 60_000)
