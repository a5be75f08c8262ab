/**
 * What the cases of the runtime matrix are given. All of it is plain data, or made by the guest: the same cases run in
 * isolates and in processes, bundled or not.
 */

/** Servers that all runtimes speak to, on this machine. */
export interface Servers {
  /** Gateways to databases of their own, one for each lane of this runtime. */
  readonly gateways: readonly string[]
  /** A gateway that does what {@link Servers.control} was told. */
  readonly faulty: string
  /** Where nobody listens. */
  readonly closed: string
  /** `POST { mark, fault }`: what happens from now on to requests of the faulty gateway that hold this text. */
  readonly control: string
  readonly token: string
  /** The HTTP face of a Durable Object of any name. */
  readonly coordinator: string
  readonly secret: string
  /** Files of `test/wire`, by name. */
  readonly wire: Readonly<Record<string, string>>
}

/** The adapter that `import 'ekiben'` has to lead to. */
export type AdapterName = 'bun' | 'cloudflare' | 'deno' | 'node' | 'vercel'

/** A request of its own that ran a scene. */
export interface Answer {
  readonly value: unknown
  /** How much work was handed to the platform's `waitUntil`, where the platform can be asked. */
  readonly given: number | undefined
}

/** What a guest is started with. */
export interface Setup {
  readonly servers: Servers
  readonly adapter: AdapterName
  /** Milliseconds a case may take. */
  readonly deadline: number
  /** Begins the names of all that the guest writes. */
  readonly name: string
  /** A text that is in the names of the cases to run. */
  readonly only?: string
}

/** A runtime, as a case sees it. */
export interface World extends Setup {
  /** The file that an import of the package led to. */
  resolved(specifier: string): string
  /** Plays a scene in a request of the platform: what is not handed to its `waitUntil` may end with the answer. */
  request(scene: string, input: object): Promise<Answer>
}

/** Where one case runs. */
export interface Place {
  readonly world: World
  /** A gateway to a database nobody else uses meanwhile. */
  readonly gateway: string
  /** A text that is in no other case's names. */
  readonly id: string
}

/** One thing that must hold on every runtime, free of any test runner. */
export interface RuntimeCase {
  /** A sentence in the present tense. No two cases share one. */
  readonly name: string
  run(place: Place): Promise<void>
}

/** How a case went. */
export interface Told {
  readonly name: string
  readonly ms: number
  /** Why it failed. */
  readonly error?: string
}
