import { BentoCache } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { upstashBusDriver, upstashDriver } from '../../drivers/upstash.ts'
import { bentostore } from '../../src/index.ts'
import type { StoreOptions } from '../../src/options.ts'
import type { Step } from '../../src/trace.ts'

export interface ProcessCacheOptions extends StoreOptions {
  readonly gateway: { readonly url: string; readonly token: string }
  /** Whether it is told of changes by a stream. */
  readonly listens: boolean
}

/** What came over a stream of events. */
export interface Heard {
  messages: number
  /** Streams that were answered. */
  streams: number
}

/** A change of the stream, as the trace told it. */
export interface StreamState {
  readonly state: Extract<Step, { type: 'push' }>['state']
  readonly at: number
}

/** A cache of a process that outlives its requests. */
export interface ProcessCache {
  readonly bento: BentoCache
  readonly heard: Heard
  readonly states: readonly StreamState[]
  close(): Promise<void>
}

/** Memory in front of Redis over HTTP, told of changes by a stream or not. */
export function openProcessCache({ gateway, listens, ...options }: ProcessCacheOptions): ProcessCache {
  const heard: Heard = { messages: 0, streams: 0 }
  const states: StreamState[] = []
  const { url, token } = gateway
  const store = bentostore(options).useL1Layer(memoryDriver()).useL2Layer(upstashDriver({ url, token }))
  const bento = new BentoCache({
    default: 'main',
    stores: {
      main: listens ? store.useBus(upstashBusDriver({ url, token, fetch: countingFetch(heard) })) : store,
    },
  })
  bento.onTrace((step) => {
    if (step.type === 'push') states.push({ state: step.state, at: performance.now() })
  })
  return { bento, heard, states, close: () => bento.disconnectAll() }
}

/** The global `fetch`, with an ear on the streams that it opens. */
function countingFetch(heard: Heard): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    if (response.headers.get('content-type') !== 'text/event-stream' || !response.body) return response
    heard.streams++
    const decoder = new TextDecoder()
    let rest = ''
    const ear = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
        rest = lines.pop() ?? ''
        heard.messages += lines.filter((line) => line.startsWith('data: message,')).length
        controller.enqueue(bytes)
      },
    })
    return new Response(response.body.pipeThrough(ear), response)
  }
}
