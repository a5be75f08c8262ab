import { BentoCache, bentostore } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'

const stores = { main: bentostore().useL1Layer(memoryDriver()) }
const bento = new BentoCache({ default: 'main', stores })
const factory = (): number => 1

const everywhere = {
  ttl: '1m',
  grace: false,
  graceBackoff: 100,
  timeout: null,
  hardTimeout: '1s',
  lockTimeout: '1s',
  suppressL2Errors: true,
  onFactoryError: (error: { readonly key: string }): void => console.log(error.key),
} as const

// Options that may stand at every level.
const operation = { ...everywhere, skipL2Write: true, skipBusNotify: true, tags: ['t'] }
void bento.set({ key: 'k', value: 1, ...operation })
void bento.getOrSet({ key: 'k', factory, ...operation, forceFresh: true })
bentostore({ ...everywhere, prefix: 's', l2CircuitBreakerDuration: '1s' })
void new BentoCache({ ...everywhere, prefix: 'g', l2CircuitBreakerDuration: null, default: 'main', stores })
// An explicit undefined is unset, whatever the compiler's settings.
void bento.set({ key: 'k', value: 1, ttl: undefined, tags: undefined })

// Options of operations alone.
// THROWS 'tags' does not exist in type 'StoreOptions'
bentostore({ tags: ['t'] })
// THROWS 'forceFresh' does not exist in type 'StoreOptions'
bentostore({ forceFresh: true })
// THROWS 'forceFresh' does not exist in type 'BentoCacheOptions
void new BentoCache({ forceFresh: true, default: 'main', stores })
// THROWS 'tags' does not exist in type 'BentoCacheOptions
void new BentoCache({ tags: ['t'], default: 'main', stores })
// THROWS 'forceFresh' does not exist in type 'SetOptions'
void bento.set({ key: 'k', value: 1, forceFresh: true })
// THROWS 'tags' does not exist in type 'GetOptions<unknown>'
void bento.get<unknown>({ key: 'k', tags: ['t'] })
// THROWS 'forceFresh' does not exist in type 'GetOptions<unknown>'
void bento.get<unknown>({ key: 'k', forceFresh: true })
// THROWS 'ttl' does not exist in type 'GetOrSetForeverOptions<number>'
void bento.getOrSetForever<number>({ key: 'k', factory, ttl: '1m' })
// THROWS 'ttl' does not exist in type 'DeleteOptions'
void bento.delete({ key: 'k', ttl: '1m' })
// THROWS 'key' does not exist in type 'DeleteManyOptions'
void bento.deleteMany({ key: 'k' })
// THROWS 'tag' does not exist in type 'DeleteByTagOptions'
void bento.deleteByTag({ tag: 't' })
// THROWS 'keys' does not exist in type 'SuppressOptions'
void bento.clear({ keys: ['k'] })

// Options of stores alone.
// THROWS 'prefix' does not exist in type 'SetOptions'
void bento.set({ key: 'k', value: 1, prefix: 'p' })
// THROWS 'l2CircuitBreakerDuration' does not exist in type 'GetOrSetOptions<number>'
void bento.getOrSet<number>({ key: 'k', factory, l2CircuitBreakerDuration: '1s' })
// THROWS 'emitter' does not exist in type 'StoreOptions'
bentostore({ emitter: undefined })

// Values of the wrong type.
// THROWS Type 'true' is not assignable to type 'Duration | undefined'
void bento.set({ key: 'k', value: 1, ttl: true })
// THROWS Type 'string' is not assignable to type 'readonly string[]'
void bento.set({ key: 'k', value: 1, tags: 't' })
// THROWS Type 'string' is not assignable to type 'boolean | undefined'
bentostore({ suppressL2Errors: 'yes' })

// What a factory may decide.
void bento.getOrSet({
  key: 'k',
  factory: (ctx) => {
    ctx.setOptions({ ttl: '1m', skipBusNotify: true, skipL2Write: true })
    ctx.setTags(['t'])
    ctx.setTtl(null)
    // THROWS 'forceFresh' does not exist in type 'FactoryOptions'
    ctx.setOptions({ forceFresh: true })
    // THROWS Argument of type 'string' is not assignable to parameter of type 'readonly string[]'
    ctx.setTags('t')
    // THROWS 'ctx.gracedEntry' is possibly 'undefined'
    return ctx.gracedEntry.value as number
  },
})
