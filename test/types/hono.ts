import { Hono } from 'hono'
import { bento, type BentoVariables } from '../../adapters/hono.ts'
import { BentoCache as FullCache } from '../../adapters/full-system.ts'
import { BentoCache, bentostore } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import type { EntryInfo } from '../../src/extras/entry.ts'
import { same } from './same.ts'

const stores = {
  main: bentostore().useL1Layer(memoryDriver()),
  other: bentostore().useL1Layer(memoryDriver()),
}
const cache = new BentoCache({ default: 'main', stores })
const full = new FullCache({ default: 'main', stores, advice: false })

// What follows in the chain knows the cache, whoever made it.
const app = new Hono().use(bento({ default: 'main', stores, cacheStatus: true })).get('/', async (c) => {
  const rates = await c.var.cache.getOrSet({ key: 'rates', factory: () => ({ EUR: 1 }) })
  same<typeof rates, { EUR: number }>()
  void c.var.cache.use('other')
  void c.get('cache').deleteByTag({ tags: ['rates'] })
  // THROWS Argument of type '"third"' is not assignable to parameter of type
  void c.var.cache.use('third')
  // THROWS Property 'getOrSetEntry' does not exist on type
  void c.var.cache.getOrSetEntry({ key: 'rates', factory: () => 1 })
  return c.json(rates)
})
void app.request('/')

new Hono().use('/api/*', bento({ cache })).get('/api/:id', (c) => {
  void c.var.cache.use('other')
  const id = c.req.param('id')
  same<typeof id, string>()
  return c.text(c.var.cache.defaultStoreName)
})

// A full cache stays one.
new Hono().use(bento({ cache: full, serverTiming: true })).get('/', async (c) => {
  const entry = await c.var.cache
    .use('other')
    .namespace('n')
    .getOrSetEntry({ key: 'k', factory: () => 'v' })
  same<typeof entry, EntryInfo<string>>()
  return c.text(entry.value)
})

// For a single route.
new Hono().get('/:id', bento({ cache: full }), async (c) => {
  const values = await c.var.cache.getMany<number>({ keys: [c.req.param('id')] })
  same<typeof values, number[]>()
  return c.json(values)
})

// Where the chain is broken, the app says what is there.
const loose = new Hono<{ Variables: BentoVariables<typeof full> }>()
loose.use(bento({ cache: full }))
loose.get('/', async (c) => {
  const entry = await c.var.cache.getOrSetEntry({ key: 'k', factory: () => 1 })
  same<typeof entry, EntryInfo<number>>()
  return c.json(entry.value)
})
const any = new Hono<{ Bindings: { TOKEN: string }; Variables: BentoVariables & { user: string } }>()
any.use(bento({ cache, when: (c) => c.req.header('x-debug') === c.env.TOKEN }))
any.get('/', async (c) => c.json(await c.var.cache.getOrSet({ key: c.var.user, factory: () => c.env.TOKEN })))

const plain = new Hono()
plain.use(bento({ cache }))
// THROWS Property 'cache' does not exist on type
plain.get('/', (c) => c.text(c.var.cache.name))

// THROWS No overload matches this call
bento({ cache: cache.namespace('n') })
// THROWS No overload matches this call
bento({ default: 'third', stores })
// THROWS No overload matches this call
bento({ cache, cacheStatus: 'yes' })
// THROWS No overload matches this call
bento({ cache, when: () => 'yes' })
