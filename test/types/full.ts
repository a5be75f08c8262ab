import { z } from 'zod'
import { BentoCache as SmallCache, bentostore as smallStore } from '../../adapters/system.ts'
import { BentoCache, bentostore } from '../../adapters/full-system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { codecs, compression } from '../../src/codecs/index.ts'
import type { EntryInfo } from '../../src/extras/entry.ts'
import type { BentoCache as AnyCache } from '../../src/index.ts'
import { same } from './same.ts'

const main = bentostore({ ttl: '1m', eagerRefresh: 0.8, jitter: '5s', errorTtl: '1s' }).useL1Layer(
  memoryDriver(),
)
const bento = new BentoCache({ default: 'main', stores: { main }, beta: 1, advice: false })
const small = new SmallCache({ default: 'main', stores: { main: smallStore().useL1Layer(memoryDriver()) } })

interface User {
  readonly name: string
}
declare const user: User

// Views of a full cache are full caches.
const users = bento
  .use('main')
  .namespace('users')
  .bind({ waitUntil: () => {} }, { memo: true })
const found = users.getMany<User>({ keys: ['1'] })
same<typeof found, Promise<User[]>>()

// One of known stores is a cache of any.
const any: AnyCache = bento
void any.flush()

// What a factory may answer is part of its type.
const entry = bento.getOrSetEntry({ key: 'k', factory: () => user })
same<typeof entry, Promise<EntryInfo<User>>>()
const nothing = bento.getOrSet({
  key: 'k',
  factory: (ctx) => (Math.random() > 0.5 ? user : ctx.notFound('1m')),
})
same<typeof nothing, Promise<User | undefined>>()
const kept = bento.getOrSet({
  key: 'k',
  factory: (ctx) => (ctx.etag === 'x' ? ctx.notModified() : ctx.modified(user, { etag: 'x' })),
})
same<typeof kept, Promise<User>>()
const ended = bento.getOrSet({
  key: 'k',
  factory: (ctx) => {
    if (ctx.etag) ctx.notModified()
    return user
  },
})
same<typeof ended, Promise<User>>()
const read = bento.getEntry<User>({ key: 'k' })
same<typeof read, Promise<EntryInfo<User> | undefined>>()

// Many keys: a map, an object or a list.
const many = bento.getOrSetMany({
  keys: ['a'],
  factory: async (keys) => new Map(keys.map((key) => [key, user])),
})
same<typeof many, Promise<(User | undefined)[]>>()
const lengths = bento.getOrSetMany({ keys: ['a'], factory: (keys) => keys.map((key) => key.length) })
same<typeof lengths, Promise<(number | undefined)[]>>()
const someKept = bento.getOrSetMany({
  keys: ['a'],
  factory: (keys, ctx) => keys.map((key) => (key ? ctx.of(key).notModified() : user)),
})
same<typeof someKept, Promise<(User | undefined)[]>>()

// A wrapped function keeps its parameters.
const load = async (id: number, deep?: boolean): Promise<User> => (deep && id > 0 ? user : user)
const loaded = bento.wrap(load, { name: 'user', tags: (id) => [`user-${id}`] })
const one = loaded(1, true)
same<typeof one, Promise<User>>()

const eager = bento.wrap(load, { name: 'user', errorTtl: '5s', jitter: '1s', eagerRefresh: 0.8 })
same<typeof eager, typeof loaded>()
void bento.setForever({ key: 'k', value: 1, ttl: '1h', jitter: '1m' })

// What may find nothing without a factory is for the caller to name.
const perhaps = bento.getOrSet<User | undefined>({ key: 'k', onlyIfCached: true, factory: () => user })
same<typeof perhaps, Promise<User | undefined>>()

// A schema says what is found.
const Schema = z.object({ name: z.string() })
const judged = bento.get({ key: 'k', schema: Schema })
same<typeof judged, Promise<{ name: string }>>()

// THROWS Object literal may only specify known properties, and 'eagerRefresh' does not exist
void small.getOrSet({ key: 'k', eagerRefresh: 0.8, factory: () => 1 })
// THROWS Object literal may only specify known properties, and 'jitter' does not exist
smallStore({ jitter: '1s' })
// THROWS Property 'getMany' does not exist on type
void small.getMany({ keys: ['a'] })
// THROWS Property 'notFound' does not exist on type 'FactoryContext'
void small.getOrSet({ key: 'k', factory: (ctx) => ctx.notFound() })
// THROWS Object literal may only specify known properties, and 'onlyIfCached' does not exist
bentostore({ onlyIfCached: true })
// THROWS Object literal may only specify known properties, and 'schema' does not exist
bentostore({ schema: Schema })
// THROWS Type 'string' is not assignable to type 'number | false
void bento.getOrSet({ key: 'k', eagerRefresh: '0.8', factory: () => 1 })
// THROWS Property 'keys' is missing
void bento.getMany({})
// THROWS Property 'factory' is missing
void bento.getOrSetMany({ keys: ['a'] })
// THROWS Type 'string' is not assignable to type
void bento.getOrSetMany<number>({ keys: ['a'], factory: () => 'text' })
// THROWS Property 'value' is missing
void bento.setMany({ entries: [{ key: 'a' }] })
// THROWS Argument of type 'string' is not assignable to parameter of type 'number'
void loaded('1')
// THROWS Property 'name' is missing
bento.wrap(load, { ttl: '1m' })
// THROWS Object literal may only specify known properties, and 'onlyIfCached' does not exist
bento.wrap(load, { name: 'user', onlyIfCached: true })
// THROWS Type 'number' is not assignable to type 'string'
void bento.getOrSet({ key: 'k', factory: (ctx) => ctx.modified(user, { etag: 1 }) })
// THROWS Type '{ nom: string; }' is not assignable to type
void bento.getOrSet({ key: 'k', schema: Schema, factory: () => ({ nom: 'Mei' }) })
// THROWS Type 'CodecStage' is missing the following properties from type 'PayloadCodec'
bentostore({ codec: compression() })
bentostore({ codec: codecs(compression()) })
// THROWS Type '"zip"' is not assignable to type
compression({ format: 'zip' })
