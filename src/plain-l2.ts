import { connectPushedL2 } from './connect-pushed-l2.ts'
import { connectTransport } from './connect-transport.ts'
import { emulatedCoordination } from './emulated-coordination.ts'
import { noCoordination } from './errors.ts'
import type { ConnectL2 } from './l2.ts'
import { makeLocalJournal } from './local-journal.ts'
import { prepareTier } from './prepare-tier.ts'

/**
 * Makes an L2 of any driver: with its own coordination, or as much as can be emulated; with a bus of Bentocache's, of
 * none as well.
 */
export const connectPlainL2: ConnectL2 = {
  prepare: prepareTier,
  connect: (config) => {
    const { driver, transport } = config
    if (transport) return connectTransport(config, transport)
    const coordination = config.coordination ?? (driver && emulatedCoordination(driver, makeLocalJournal()))
    if (!coordination) throw noCoordination()
    return connectPushedL2.connect({ ...config, coordination })
  },
}
