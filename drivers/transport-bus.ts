/**
 * A bus of Bentocache's, which carries messages, where everything is bundled.
 *
 * @module
 */
import { typeOf } from '../src/durations.ts'
import { InvalidOptionError } from '../src/errors.ts'
import { retriesOf } from '../src/outbox.ts'
import { connectPlainL2 } from '../src/plain-l2.ts'
import type { CreateDriverResult } from '../src/ports.ts'
import type { BusTransport } from '../src/store.ts'

/** Options of {@link transportBusDriver}. */
export interface TransportBusOptions {
  /** What becomes of messages the bus did not take. */
  readonly retryQueue?:
    | {
        /** Whether they are tried again. @default true */
        readonly enabled?: boolean | undefined
        /** Most messages that wait; past it the oldest gives way. `null` is the default. @default 1000 */
        readonly maxSize?: number | null | undefined
        /**
         * Milliseconds, or a text such as `'5s'`, between two tries. `false` leaves them to the next message and to a
         * reconnection. @default 2 s
         */
        readonly retryInterval?: number | string | false | undefined
      }
    | undefined
}

/**
 * A bus of Bentocache's, made by `@boringnode/bus` or of its shape, where everything is bundled; elsewhere
 * `useBus(redisBusDriver(...))` of Bentocache is taken as it is. It tells isolates of each other's changes at once and
 * remembers nothing, so it makes news faster and no promise truer.
 *
 * A transport that is handed over belongs to one store: it is named, used and disconnected by it. A function makes one
 * when the store is first used.
 *
 * @throws {@link InvalidOptionError} for a `retryQueue` that is none, and for anything but a transport or a function;
 * for a function that makes none, when the store is first used.
 * @example
 * ```ts
 * import { memory } from '@boringnode/bus/transports/memory'
 * import { bentostore } from 'ekiben'
 * import { memoryDriver } from 'ekiben/drivers/memory'
 * import { transportBusDriver } from 'ekiben/drivers/transport-bus'
 *
 * const store = bentostore().useL1Layer(memoryDriver()).useBus(transportBusDriver(memory()))
 * ```
 */
export function transportBusDriver(
  transport: BusTransport | (() => BusTransport),
  options: TransportBusOptions = {},
): CreateDriverResult<BusTransport> {
  retriesOf({ ...options })
  if (typeof transport !== 'function') checkTransport(transport)
  return {
    options: { ...options },
    connect: connectPlainL2,
    factory: () => checkTransport(typeof transport === 'function' ? transport() : transport),
  }
}

function checkTransport(transport: BusTransport): BusTransport {
  const { publish, subscribe, setId } = (transport as Partial<BusTransport> | null | undefined) ?? {}
  if ([publish, subscribe, setId].every((method) => typeof method === 'function')) return transport
  throw new InvalidOptionError({
    option: 'transport',
    received: typeOf(transport),
    allowed: 'a transport of @boringnode/bus, or a function that makes one',
  })
}
