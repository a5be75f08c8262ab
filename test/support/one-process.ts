/**
 * A process that uses a cache once and is over when nothing holds it any more: `one-process.ts <driver> <path> <act>`. The
 * drivers prune as often as they do by themselves.
 */
import { fileDriver } from 'bentocache/drivers/file'
import { knexDriver } from 'bentocache/drivers/knex'
import { kyselyDriver } from 'bentocache/drivers/kysely'
import { BentoCache, bentostore, type CreateDriverResult } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { openKnex, openKysely } from './sqlite-clients.ts'

const [, , name = '', path = '', act] = process.argv

const DRIVERS: Readonly<Record<string, () => CreateDriverResult>> = {
  file: () => fileDriver({ directory: path }),
  kysely: () => kyselyDriver({ connection: openKysely(path) }),
  knex: () => knexDriver({ connection: openKnex(path) }),
}

const main = bentostore({ ttl: '1h', l2Timeout: '30s' })
  .useL1Layer(memoryDriver())
  .useL2Layer(DRIVERS[name]!())
const bento = new BentoCache({ default: 'main', stores: { main } })
const layers: string[] = []
bento.on('cache:hit', ({ layer }) => void layers.push(layer))

if (act === 'write') {
  const stored = await bento.set({ key: 'k', value: { from: 'another process' } })
  console.log(JSON.stringify({ stored }))
} else {
  const value: unknown = await bento.get({ key: 'k' })
  console.log(JSON.stringify({ value, layers }))
}
await bento.disconnectAll()
