import { BentoCache, bentostore, type Cache } from '../../adapters/system.ts'
import { memoryDriver } from '../../drivers/memory.ts'
import { same } from './same.ts'

const memory = (): ReturnType<typeof bentostore> => bentostore().useL1Layer(memoryDriver())
const bento = new BentoCache({ default: 'main', stores: { main: memory(), far: memory() } })

const far = bento.use('far')
same<typeof far, Cache>()
same<typeof bento.defaultStoreName, 'main' | 'far'>()
void bento.use().get({ key: 'k' })
bento.on('cache:hit', ({ key, layer, graced }) => [key, layer, graced])

// A cache of known stores is also a cache of any.
const any: BentoCache = bento
void any.use('whatever')

// THROWS Argument of type '"near"' is not assignable to parameter of type '"far" | "main"
bento.use('near')
// THROWS Type '"near"' is not assignable to type '"far" | "main"'
void new BentoCache({ default: 'near', stores: { main: memory(), far: memory() } })
// THROWS Type 'number' is not assignable to type 'BentoStore'
void new BentoCache({ default: 'main', stores: { main: 42 } })
// THROWS Property 'stores' is missing
void new BentoCache({ default: 'main' })
// THROWS Argument of type '"cache:lost"' is not assignable to parameter of type
bento.on('cache:lost', () => {})
// THROWS Property 'size' does not exist on type
bento.on('cache:miss', ({ size }) => size)
// THROWS missing the following properties from type 'CreateDriverResult<L1CacheDriver>'
bentostore().useL1Layer({})
// THROWS Property 'use' does not exist on type 'Cache'
bento.namespace('users').use()
