import { type FaultyGateway, openFaultyGateway } from '../../test/support/faulty-gateway.ts'
import { DELAY } from './bounds.ts'
import { openProcess, type Process, type ProcessConfig } from './isolates.ts'
import type { Origin } from './origin.ts'

interface Closable {
  close(): Promise<void>
}

/** What all scenes share. */
export interface Base {
  readonly redisUrl: string
  readonly origin: Origin
  /** The code of an isolate. */
  readonly script: string
}

/** What one scene has opened; whatever becomes of the scene, all of it is closed. */
export class Stage {
  readonly #base: Base
  readonly #opened: Closable[] = []

  constructor(base: Base) {
    this.#base = base
  }

  get origin(): Origin {
    return this.#base.origin
  }

  /** A gateway in front of Redis, which each request reaches `delay` ms later. */
  async gateway(delay: number = DELAY): Promise<FaultyGateway> {
    const gateway = await openFaultyGateway({ redisUrl: this.#base.redisUrl })
    this.#opened.push(gateway)
    if (delay > 0) gateway.fault = { kind: 'delay', ms: delay }
    return gateway
  }

  /** One workerd with an isolate for each store. */
  async isolates(gateway: FaultyGateway, stores: ProcessConfig['stores']): Promise<Process> {
    const process = await openProcess({ ...this.#base, gateway, stores })
    this.#opened.push(process)
    return process
  }

  /** Has something closed at the end. */
  keep<T extends Closable>(thing: T): T {
    this.#opened.push(thing)
    return thing
  }

  async close(): Promise<void> {
    for (const thing of this.#opened.toReversed()) await thing.close()
  }
}
