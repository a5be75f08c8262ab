/** One workerd with a Durable Object behind its HTTP face, and drivers in Node that speak to it. */
import { Miniflare } from 'miniflare'
import { durableObjectHttpDriver, type DurableObjectHttpOptions } from '../../drivers/durable-object-http.ts'
import type { Coordination } from '../../src/ports.ts'
import { bundleWorker } from '../../examples/support/bundle-worker.ts'
import type { Rpc } from './messages.ts'

export const SECRET = 'correct horse battery staple'.replaceAll(' ', '-')
export const NEXT_SECRET = 'the-secret-that-takes-its-place'

export interface RemoteStage {
  readonly url: URL
  /** Where the HTTP face is. */
  readonly address: string
  /** A coordination in this process. */
  connect(options?: Partial<DurableObjectHttpOptions>): Coordination
  rpc(call: Rpc): Promise<unknown>
  /** How often an object was constructed so far. */
  built(): Promise<number>
  crash(name: string): Promise<void>
  /** Puts an object to sleep; its sockets stay open. */
  hibernate(name: string): Promise<void>
  close(): Promise<void>
}

export async function openRemoteStage(bindings: Record<string, string> = {}): Promise<RemoteStage> {
  const miniflare = new Miniflare({
    workers: [
      {
        name: 'remote',
        modules: true,
        script: await bundleWorker('test/workerd/remote.ts'),
        compatibilityDate: '2026-07-01',
        durableObjects: { COORDINATOR: { className: 'Coordinator', useSQLite: true } },
        bindings: { EKIBEN_SECRET: `${SECRET} ${NEXT_SECRET}`, ...bindings },
      },
    ],
  })
  const url = await miniflare.ready
  const address = new URL('/cache', url).href
  return {
    url,
    address,
    connect: (options) =>
      durableObjectHttpDriver({ url: address, token: SECRET, ...options }).factory({}).coordination!,
    rpc: async (call) => {
      const body = JSON.stringify(call)
      const response = await fetch(new URL('/rpc', url), { method: 'POST', body })
      if (response.status !== 200) throw new Error(await response.text())
      return response.json()
    },
    built: async () => (await (await fetch(new URL('/built', url))).json()) as number,
    crash: async (name) => {
      await (await fetch(new URL(`/crash/${name}`, url), { method: 'POST' })).text()
    },
    hibernate: (name) => miniflare.unsafeEvictDurableObject('remote', 'Coordinator', { name }),
    close: () => miniflare.dispose(),
  }
}
