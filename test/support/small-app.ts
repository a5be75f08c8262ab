/**
 * A user's app: what a cache is for, in twenty lines that run on every runtime. `settle` is apart from `serve`, as it
 * may belong to a later request.
 */
export const smallApp = `
import { BentoCache, bentostore } from 'ekiben'
import { memoryDriver } from 'ekiben/drivers/memory'

const bento = new BentoCache({
  default: 'main',
  stores: { main: bentostore({ ttl: '1m', grace: '1h' }).useL1Layer(memoryDriver()) },
})
let made = 0
// Slow enough that an answer cannot wait for it by chance.
const factory = () => new Promise<string>((resolve) => void setTimeout(() => resolve(\`menu \${++made}\`), 20))
const menu = { key: 'menu', tags: ['menus'], factory }

export async function serve() {
  const [miss, hit] = [await bento.getOrSet(menu), await bento.getOrSet(menu)]
  const elsewhere = await bento.namespace('elsewhere').getOrSet(menu)
  await bento.deleteByTag({ tags: ['menus'] })
  const [deleted, kept] = [await bento.getOrSet(menu), await bento.namespace('elsewhere').getOrSet(menu)]
  await bento.expire({ key: 'menu' })
  return { miss, hit, elsewhere, deleted, kept, stale: await bento.getOrSet(menu) }
}

export async function settle() {
  await bento.flush()
  return { fresh: await bento.get({ key: 'menu' }) }
}
`

/** What it answers wherever it runs. */
export const smallAppAnswers = {
  miss: 'menu 1',
  hit: 'menu 1',
  elsewhere: 'menu 2',
  deleted: 'menu 3',
  kept: 'menu 2',
  stale: 'menu 3',
  fresh: 'menu 4',
} as const

/** Runs it to its end in a process, and says where the runtime has found the package. */
export const smallAppMain = `
import { serve, settle } from './app.ts'

console.log(JSON.stringify({ ...(await serve()), ...(await settle()), found: import.meta.resolve('ekiben') }))
`
