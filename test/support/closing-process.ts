// A process that serves a stale value, refreshes it behind the answer, and is then asked to end. Says what happens.
import { BentoCache, bentostore, closeOnSignals } from '../../adapters/node.ts'
import { memoryDriver } from '../../drivers/memory.ts'

/** How it behaves. */
export interface Scene {
  /** Milliseconds the refresh still takes when the process is asked to end; absent: it never ends. */
  readonly refresh?: number
  readonly timeout?: string
  /** `fails`: what comes first throws. */
  readonly first?: 'works' | 'fails'
  /** Whether the application ends itself, by a listener of its own. */
  readonly ownListener?: boolean
  readonly takenBack?: boolean
}

const { refresh, timeout, first, ownListener, takenBack }: Scene = JSON.parse(process.argv[2] ?? '{}')

let asked = (): void => {}
const end = new Promise<void>((resolve) => (asked = resolve))
const bento = new BentoCache({
  default: 'main',
  stores: { main: bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver()) },
})
if (ownListener)
  process.on('SIGTERM', () => {
    console.log('own listener')
    const exit = (): void => process.exit(3)
    bento.flush().then(exit, exit)
  })
const stop = closeOnSignals(bento, {
  timeout: timeout ?? '1m',
  first: () => {
    console.log('first')
    asked()
    if (first === 'fails') throw new Error('the server does not close')
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
