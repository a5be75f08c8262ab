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
  'expire-by-tag-3',
  'touch',
  'refresh-304',
  'get-many-50',
  'set-many-50',
  'many-50-cold',
  'many-50-warm',
] as const
export type OperationName = (typeof OPERATIONS)[number]
export type Costs = Readonly<Record<OperationName, Cost>>

/** Most operations on many keys are on fifty. */
const fifty = (name: string): string[] => Array.from({ length: 50 }, (_, at) => `${name} ${at}`)
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
  const run = await prepare[name](stage)
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

/** A hit in L2 by an isolate that has read the value before and has no room for it: it knows which version was named last. */
async function l2Hit({ one, two }: Stage, key: string, count: number): Promise<() => Promise<unknown>> {
  await one(ask(key, count))
  await two(ask(key, count))
  await two(ask('makes room'))
  return async () => {
    const value = await two({ ...ask(key, count), value: 'made again' })
    return value === `made for ${key}` ? value : 'not from L2'
  }
}

/** Brings everything to where the operation is told, and gives what tells it. */
const prepare: Readonly<Record<OperationName, (stage: Stage) => Promise<() => Promise<unknown>>>> = {
  'l1-hit': async ({ one }) => {
    await one(ask('l1', 3))
    return () => one({ ...ask('l1', 3), value: 'not from L1' })
  },
  'l2-hit': (stage) => l2Hit(stage, 'l2', 0),
  'l2-hit-3-tags': (stage) => l2Hit(stage, 'l2 with 3', 3),
  'l2-hit-100-tags': (stage) => l2Hit(stage, 'l2 with 100', 100),
  'cold-miss': async ({ one }) => {
    return () => one(ask('cold', 3))
  },
  set: async ({ one }) => {
    return () => one({ operation: 'set', options: { key: 'set', value: 1, tags: tags(3) } })
  },
  delete: async ({ one }) => {
    return () => one({ operation: 'delete', options: { key: 'set' } })
  },
  'delete-many-50': async ({ one }) => {
    return () => one({ operation: 'deleteMany', options: { keys: fifty('many') } })
  },
  expire: async ({ one }) => {
    return () => one({ operation: 'expire', options: { key: 'l2' } })
  },
  'delete-by-tag-3': async ({ one }) => {
    return () => one({ operation: 'deleteByTag', options: { tags: tags(3) } })
  },
  clear: async ({ one }) => {
    return () => one({ operation: 'clear' })
  },
  pull: async ({ one, two }) => {
    await one({ operation: 'set', options: { key: 'pulled', value: 1 } })
    return () => two({ operation: 'pull', options: 'pulled' })
  },
  'journal-pull': async ({ one }) => {
    await one({ ...ask('news'), eager: true })
    return () => one({ ...ask('news'), eager: true, value: 'not from L1' })
  },
  'expire-by-tag-3': async ({ one }) => {
    return () => one({ operation: 'expireByTag', options: { tags: tags(3) } })
  },
  touch: async ({ one }) => {
    await one({ operation: 'set', options: { key: 'touched', value: 1 } })
    return () => one({ operation: 'touch', options: { key: 'touched' } })
  },
  'refresh-304': async ({ one }) => {
    const options = { key: 'conditional', tags: ['condition'], grace: '1h', timeout: null }
    const asked: Order = { operation: 'revalidate', options }
    await one(asked)
    await one({ operation: 'expireByTag', options: { tags: options.tags } })
    return () => one(asked)
  },
  'get-many-50': async ({ one, two }) => {
    await one({
      operation: 'setMany',
      options: { entries: fifty('got').map((key) => ({ key, value: key })) },
    })
    return async () => {
      const values = (await two({ operation: 'getMany', options: { keys: fifty('got') } })) as unknown[]
      return values.every((value) => typeof value === 'string') ? 'all' : 'not from L2'
    }
  },
  'set-many-50': async ({ one }) => {
    return () =>
      one({ operation: 'setMany', options: { entries: fifty('set').map((key) => ({ key, value: key })) } })
  },
  'many-50-cold': async ({ one }) => {
    return () => one({ operation: 'getOrSetMany', options: { keys: fifty('made') } })
  },
  'many-50-warm': async ({ one }) => {
    await one({ operation: 'getOrSetMany', options: { keys: fifty('warm') } })
    return () => one({ operation: 'getOrSetMany', options: { keys: fifty('warm') } })
  },
}
