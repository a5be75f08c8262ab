import { connectGuarded, connectL2 } from './connect-l2.ts'
import { makeGuard } from './guard.ts'
import type { ConnectL2 } from './l2.ts'
import { prepareTier } from './prepare-tier.ts'
import { makePush } from './push.ts'

/**
 * As {@link connectL2}, and changes are told at once to processes that live long enough to hear it. For authors of bus
 * drivers whose coordination has `subscribe`: hand it over as `connect`. Others need not carry it.
 *
 * @throws {@link InvalidOptionError} for a driver that does not coordinate.
 */
export const connectPushedL2: ConnectL2 = {
  prepare: prepareTier,
  connect: (config) => {
    const { coordination, subscribe } = config
    if (!coordination || !subscribe) return connectL2.connect(config)
    const { guard, close } = makePush(config, makeGuard(config, coordination), subscribe)
    return { ...connectGuarded(config, guard), close }
  },
}
