/**
 * One isolate of the fleet: memory in front of Redis over HTTP, made at module scope.
 *
 *   POST /ask         one getOrSet; body: `Ask`
 *   POST /invalidate  deleteByTag or clear; body: `Invalidation`
 *   GET  /steps       what happened so far
 */
import { env as environment } from 'cloudflare:workers'
import { BentoCache, bentostore } from '../../../adapters/cloudflare.ts'
import { memoryDriver } from '../../../drivers/memory.ts'
import { upstashDriver } from '../../../drivers/upstash.ts'
import type { Acknowledgement, Answer, Ask, Bindings, Invalidation, Made } from '../messages.ts'

// Typed for another Worker of this folder.
const env = environment as unknown as Bindings

const bento = new BentoCache({
  default: 'main',
  stores: {
    main: bentostore(env.OPTIONS)
      .useL1Layer(memoryDriver())
      .useL2Layer(upstashDriver({ url: env.REDIS_URL, token: env.REDIS_TOKEN })),
  },
})
// What `clear` empties; the rest of the store is not its business.
const shelf = bento.namespace('shelf')

const steps: Record<string, number> = {}
bento.onTrace(({ type }) => void (steps[type] = (steps[type] ?? 0) + 1))

const until = (moment: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, moment - Date.now())))

async function ask({ key, tags = [], ms = 0, at, hold }: Ask): Promise<Answer> {
  if (at !== undefined) await until(at)
  const asked = Date.now()
  const value = await shelf.getOrSet({
    key,
    tags,
    factory: async (): Promise<Made> => {
      const began = Date.now()
      const response = await fetch(`${env.ORIGIN}/${encodeURIComponent(key)}?ms=${ms}`)
      const made = (await response.json()) as Omit<Made, 'took'>
      return { ...made, took: Date.now() - began }
    },
  })
  const answered = Date.now()
  if (hold !== undefined) await until(hold)
  return { value, asked, answered }
}

async function invalidate({ tag, clear = false }: Invalidation): Promise<Acknowledgement> {
  if (tag !== undefined) await shelf.deleteByTag({ tags: [tag] })
  if (clear) await shelf.clear()
  return { acknowledged: steps['unacknowledged'] === undefined, at: Date.now() }
}

async function route(request: Request): Promise<unknown> {
  switch (new URL(request.url).pathname) {
    case '/ask':
      return ask(await request.json())
    case '/invalidate':
      return invalidate(await request.json())
    default:
      return steps
  }
}

export default {
  fetch: async (request: Request): Promise<Response> => Response.json(await route(request)),
}
