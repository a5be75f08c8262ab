import { connectL2 } from './connect-l2.ts'
import { emulatedCoordination } from './emulated-coordination.ts'
import { noCoordination } from './errors.ts'
import type { ConnectL2 } from './l2.ts'

/** Makes an L2 of any driver: with its own coordination, or as much as can be emulated. */
export const connectPlainL2: ConnectL2 = (config) => {
  const { driver } = config
  const coordination = config.coordination ?? (driver && emulatedCoordination(driver))
  if (!coordination) throw noCoordination()
  return connectL2({ ...config, coordination })
}
