import type { Order } from './orders.ts'
import { type Cost, openStage, type Stage, type StackName } from './stage.ts'

/** What is measured, by name, in the order of the table. */
export const OPERATIONS = [
  'l1-hit',
  'l2-hit',
  'l2-hit-3-tags',
  'l2-hit-100-tags',
  'cold-miss',
  'set',
  'delete',
  'delete-many-50',
  'expire',
  'delete-by-tag-3',
  'clear',
  'pull',
  'journal-pull',
] as const
export type OperationName = (typeof OPERATIONS)[number]
export type Costs = Readonly<Record<OperationName, Cost>>

const tags = (count: number): string[] => Array.from({ length: count }, (_, at) => `tag ${at}`)
const ask = (key: string, count = 0): Order => ({
  operation: 'getOrSet',
  options: { key, tags: tags(count) },
  value: `made for ${key}`,
})

/** Plays each operation once on a stack and counts what reached its servers. */
export async function measure(stack: StackName, redisUrl: string): Promise<Costs> {
  const stage = await openStage(stack, redisUrl)
  try {
    await warmUp(stage)
    const costs = {} as Record<OperationName, Cost>
    for (const name of OPERATIONS) costs[name] = await play(stage, name)
    return costs
  } finally {
    await stage.close()
  }
}

/** The journal begins, and each script has been sent whole: what an isolate pays once in its life. */
async function warmUp({ one, two }: Stage): Promise<void> {
  for (const isolate of [one, two]) {
    for (const time of ['first', 'second']) {
      const key = `warm up ${time}`
      await isolate({ ...ask(key), eager: true })
      await isolate(ask(key))
      await isolate({ operation: 'set', options: { key, value: 1 } })
      await isolate({ operation: 'pull', options: key })
      await isolate({ operation: 'delete', options: { key } })
    }
  }
}

async function play(stage: Stage, name: OperationName): Promise<Cost> {
  const run = await prepare(stage, name)
  await stage.recount()
  const value = await run()
  if (typeof value === 'string' && value.startsWith('not from')) throw new Error(`${name}: ${value}`)
  return settled(stage, name === 'journal-pull' ? 1 : 0)
}

/** What is behind the answer is counted too: looks until the count rests. */
async function settled(stage: Stage, least: number): Promise<Cost> {
  let last = await stage.cost()
  for (let calm = 0; calm < 5;) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    const now = await stage.cost()
    calm = now.requests === last.requests && now.requests >= least ? calm + 1 : 0
    last = now
  }
  return last
}

/** Brings everything to where the operation is told, and gives what tells it. */
async function prepare({ one, two }: Stage, name: OperationName): Promise<() => Promise<unknown>> {
  const hit = async (key: string, count: number): Promise<() => Promise<unknown>> => {
    await one(ask(key, count))
    // The other isolate has read it and forgotten the value: it knows which version was named last.
    await two(ask(key, count))
    await two(ask('makes room'))
    return async () =>
      (await two({ ...ask(key, count), value: 'not from L2' })) === `made for ${key}` ? true : 'not from L2'
  }
  switch (name) {
    case 'l1-hit':
      await one(ask('l1', 3))
      return () => one({ ...ask('l1', 3), value: 'not from L1' })
    case 'l2-hit':
      return hit('l2', 0)
    case 'l2-hit-3-tags':
      return hit('l2 with 3', 3)
    case 'l2-hit-100-tags':
      return hit('l2 with 100', 100)
    case 'cold-miss':
      return () => one(ask('cold', 3))
    case 'set':
      return () => one({ operation: 'set', options: { key: 'set', value: 1, tags: tags(3) } })
    case 'delete':
      return () => one({ operation: 'delete', options: { key: 'set' } })
    case 'delete-many-50': {
      const keys = Array.from({ length: 50 }, (_, at) => `many ${at}`)
      return () => one({ operation: 'deleteMany', options: { keys } })
    }
    case 'expire':
      return () => one({ operation: 'expire', options: { key: 'l2' } })
    case 'delete-by-tag-3':
      return () => one({ operation: 'deleteByTag', options: { tags: tags(3) } })
    case 'clear':
      return () => one({ operation: 'clear' })
    case 'pull':
      await one({ operation: 'set', options: { key: 'pulled', value: 1 } })
      return () => two({ operation: 'pull', options: 'pulled' })
    case 'journal-pull':
      await one({ ...ask('news'), eager: true })
      return () => one({ ...ask('news'), eager: true, value: 'not from L1' })
  }
}
