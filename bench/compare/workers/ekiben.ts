// The file that the `workerd` condition of `ekiben` resolves to: on Workers, changing the import
// is the whole setup. No nodejs_compat, no execution context to pass.
import { BentoCache, bentostore, errors } from '../../../adapters/cloudflare.ts'
import { memoryDriver } from '../../../drivers/memory.ts'
import { harness } from './harness.ts'

const bento = new BentoCache({
  default: 'main',
  stores: { main: bentostore({ ttl: '5m', grace: '1h' }).useL1Layer(memoryDriver()) },
})

export default harness({
  lookup({ key, scene, sceneName, factory }) {
    return bento.getOrSet({
      key,
      ttl: scene.fresh,
      // As in Bentocache, a grace period runs from the creation of the entry.
      grace: scene.fresh + scene.stale,
      timeout: 0,
      // Peers get a deadline against the cancelled leader as well; here the default must do.
      ...(sceneName === 'silent' ? { hardTimeout: scene.deadline } : {}),
      factory: () => factory(),
    })
  },
  isDeadline: (error) => error instanceof errors.E_FACTORY_HARD_TIMEOUT,
})
