import { type Cache, BentoCache, bentostore } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import type { CacheProvider } from 'bentocache/types'
import { same } from './same.ts'

const bento = new BentoCache({ default: 'main', stores: { main: bentostore().useL1Layer(memoryDriver()) } })
const users: Cache = bento.namespace('users')

interface User {
  readonly name: string
}
declare const user: User
declare const bentocache: CacheProvider

// What a factory makes is what the caller gets, however it is made.
const plain = bento.getOrSet({ key: 'k', factory: () => 42 })
same<typeof plain, Promise<number>>()
const later = bento.getOrSet({ key: 'k', factory: async () => user })
same<typeof later, Promise<User>>()
declare const text: string
const either = bento.getOrSet({ key: 'k', factory: () => (Math.random() > 0.5 ? text : null) })
same<typeof either, Promise<string | null>>()
const skipping = bento.getOrSet({
  key: 'k',
  factory: ({ skip }) => (Math.random() > 0.5 ? user : skip()),
})
same<typeof skipping, Promise<User | undefined>>()
const failing = bento.getOrSet({
  key: 'k',
  factory: (ctx) => {
    if (Math.random() > 0.5) return user
    return ctx.fail('no user')
  },
})
same<typeof failing, Promise<User>>()
const forever = users.getOrSetForever({ key: 'k', factory: async () => ['a'] })
same<typeof forever, Promise<string[]>>()
const named = bento.getOrSet<User>({ key: 'k', factory: () => user })
same<typeof named, Promise<User>>()

// And it is what Bentocache infers.
const literals = { key: 'k', factory: () => (Math.random() > 0.5 ? 'text' : null) }
const [ours, theirs] = [bento.getOrSet(literals), bentocache.getOrSet(literals)]
same<typeof ours, typeof theirs>()

// Of get only the caller knows.
const unknown = bento.get({ key: 'k' })
// oxlint-disable-next-line typescript/no-explicit-any -- it is what Bentocache's get gives
same<typeof unknown, Promise<any>>()
const known = bento.get<User>({ key: 'k' })
same<typeof known, Promise<User>>()
const fallback = bento.get({ key: 'k', defaultValue: 7 })
same<typeof fallback, Promise<number>>()
const made = users.get({ key: 'k', defaultValue: async () => 'text' })
same<typeof made, Promise<string>>()
const pulled = bento.pull<User>('k')
same<typeof pulled, Promise<User | undefined>>()

// The others tell whether they were acknowledged.
const told = [
  bento.set({ key: 'k', value: user }),
  bento.setForever({ key: 'k', value: null }),
  bento.has({ key: 'k' }),
  bento.missing({ key: 'k' }),
  bento.delete({ key: 'k' }),
  bento.deleteMany({ keys: ['k'] }),
  bento.deleteByTag({ tags: ['t'] }),
  bento.expire({ key: 'k' }),
]
same<(typeof told)[number], Promise<boolean>>()
const cleared = bento.clear()
same<typeof cleared, Promise<void>>()

// THROWS Type 'Promise<string>' is not assignable to type 'Promise<number>'
const wrong: Promise<number> = bento.getOrSet({ key: 'k', factory: () => 'text' })
// THROWS Type 'number' is not assignable to type 'string'
void bento.getOrSet({ key: 42, factory: () => 1 })
// THROWS Type 'number' is not assignable to type 'Factory<unknown>'
void bento.getOrSet({ key: 'k', factory: 42 })
// THROWS Property 'factory' is missing
void bento.getOrSet({ key: 'k' })
// THROWS Property 'value' is missing
void bento.set({ key: 'k' })
// THROWS Type 'string' is not assignable to type 'Promise<User> | User | (() =>
void bento.get<User>({ key: 'k', defaultValue: 'text' })
// THROWS Argument of type '{ key: string; }' is not assignable to parameter of type 'string'
void bento.pull({ key: 'k' })
// THROWS Argument of type 'string' is not assignable to parameter of type 'DeleteOptions'
void bento.delete('k')
