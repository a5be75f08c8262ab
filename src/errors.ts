/**
 * Every error Ekiben throws. Codes are stable; names and codes known from Bentocache are kept.
 * Messages name the option or the key and what to do; they never hold a value or a secret.
 */

/** The root of all errors of Ekiben. */
export class CacheError extends Error {
  static readonly code: string = 'E_CACHE'
  /** Its `name`; kept apart from the class's own, which minifiers change. */
  static readonly title: string = 'CacheError'
  /** Stable, machine-readable. */
  declare readonly code: string
  readonly status: number = 500

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.title
    this.code = new.target.code
  }

  override toString(): string {
    return `${this.name} [${this.code}]: ${this.message}`
  }
}

/** A factory threw, or gave something that cannot be cached. The original error is the `cause`. */
export class FactoryError extends CacheError {
  static override readonly code: string = 'E_FACTORY_ERROR'
  static override readonly title: string = 'FactoryError'
  static readonly message = 'Factory has thrown an error'
  declare readonly key: string
  /** The factory ran behind an answer that had already been given. */
  declare readonly isBackgroundFactory: boolean

  constructor(key: string, cause: unknown, isBackgroundFactory = false) {
    super(FactoryError.message, cause)
    this.key = key
    this.isBackgroundFactory = isBackgroundFactory
  }
}

/** The soft `timeout` passed; part of Bentocache's error names, never thrown to a caller who can be answered. */
export class FactorySoftTimeout extends CacheError {
  static override readonly code: string = 'E_FACTORY_SOFT_TIMEOUT'
  static override readonly title: string = 'FactorySoftTimeout'
  static readonly message = 'Factory has timed out after waiting for soft timeout'
  declare readonly key: string

  constructor(key: string) {
    super(FactorySoftTimeout.message)
    this.key = key
  }
}

/** The factory did not settle before the flight's deadline: `hardTimeout`, else 25 seconds. */
export class FactoryHardTimeout extends CacheError {
  static override readonly code: string = 'E_FACTORY_HARD_TIMEOUT'
  static override readonly title: string = 'FactoryHardTimeout'
  static readonly message = 'Factory has timed out after waiting for hard timeout'
  declare readonly key: string

  constructor(key: string) {
    super(FactoryHardTimeout.message)
    this.key = key
  }
}

/** `undefined` cannot be told from a miss, so it is not cached. Use `null`, or `ctx.skip()` in a factory. */
export class UndefinedValueError extends CacheError {
  static override readonly code: string = 'E_UNDEFINED_VALUE'
  static override readonly title: string = 'UndefinedValueError'

  constructor(key: string) {
    super(`Cannot set undefined value in the cache, key: ${key}`)
  }
}

/** L2 failed and `suppressL2Errors` is `false`. What the store said is the `cause`. */
export class L2CacheError extends CacheError {
  static override readonly code: string = 'E_L2_CACHE_ERROR'
  static override readonly title: string = 'L2CacheError'
  static readonly message = 'An error occurred while interacting with the L2 cache'

  constructor(cause: unknown) {
    super(L2CacheError.message, cause)
  }
}

/** A call to L2 did not answer within `l2Timeout`. The `cause` of an {@link L2CacheError}. */
export class L2TimeoutError extends CacheError {
  static override readonly code: string = 'E_L2_TIMEOUT'
  static override readonly title: string = 'L2TimeoutError'

  constructor(ms: number) {
    super(`L2 did not answer within ${ms} ms`)
  }
}

/** L2 is left alone after repeated failures until the breaker lets a probe through. */
export class L2UnavailableError extends CacheError {
  static override readonly code: string = 'E_L2_UNAVAILABLE'
  static override readonly title: string = 'L2UnavailableError'

  constructor() {
    super('L2 is left alone after repeated failures')
  }
}

/**
 * A store answered, but not with what was asked for: it refused, was overloaded, or something else stands at its
 * address. The `cause` of an {@link L2CacheError}.
 */
export class StoreError extends CacheError {
  static override readonly code: string = 'E_STORE'
  static override readonly title: string = 'StoreError'
  /** What the store said, in a word: `HTTP 429`, `NOSCRIPT`. Never its whole text, which may quote keys and values. */
  declare readonly reason: string

  constructor(store: string, reason: string, cause?: unknown) {
    super(`${store} did not do what it was asked: ${reason}`, cause)
    this.reason = reason
  }
}

/** A value cannot be turned into text and back by the serializer. */
export class SerializationError extends CacheError {
  static override readonly code: string = 'E_SERIALIZATION'
  static override readonly title: string = 'SerializationError'

  constructor(key: string, cause: unknown) {
    super(
      `The serializer cannot write the value, key: ${key}. Cache plain data, or pass a serializer that can`,
      cause,
    )
  }
}

/** What is wrong with an option: its name, the type or range given, and what is allowed. Never the value. */
export interface InvalidOption {
  readonly option: string
  readonly received: string
  readonly allowed: string
}

/** An option or argument has the wrong type or is out of range. */
export class InvalidOptionError extends CacheError {
  static override readonly code: string = 'E_INVALID_OPTION'
  static override readonly title: string = 'InvalidOptionError'
  declare readonly option: string
  declare readonly received: string
  declare readonly allowed: string

  constructor(wrong: InvalidOption) {
    super(`Invalid ${wrong.option}: received ${wrong.received}, expected ${wrong.allowed}`)
    Object.assign(this, wrong)
  }
}

/** What a plain driver is answered where nothing can make more of it. */
export function noCoordination(): InvalidOptionError {
  return new InvalidOptionError({
    option: 'useL2Layer',
    received: 'a driver that does not coordinate isolates',
    allowed: "a driver of ekiben, or plainDriver(driver) from 'ekiben/drivers/plain'",
  })
}

/** `use(name)` was given a name that `stores` does not have. */
export class UnknownStoreError extends CacheError {
  static override readonly code: string = 'E_UNKNOWN_STORE'
  static override readonly title: string = 'UnknownStoreError'

  constructor(name: string, known: readonly string[]) {
    super(`There is no store "${name}". Known stores: ${known.join(', ')}`)
  }
}

/** What a driver works on was never set up. That is no outage, no waiting mends it, so it is never suppressed. */
export class SetupError extends CacheError {}

/** A driver was built without the binding it works on, or the binding is absent at the call. Never suppressed. */
export class MissingBindingError extends SetupError {
  static override readonly code: string = 'E_MISSING_BINDING'
  static override readonly title: string = 'MissingBindingError'
  declare readonly option: string

  constructor({ option, driver }: { readonly option: string; readonly driver: string }) {
    super(
      `${driver} has no ${option}: bind it in the configuration of the Worker and pass it, or a function that returns it`,
    )
    this.option = option
  }
}

/** A driver needs a package that is not installed. Never suppressed. */
export class MissingPeerError extends SetupError {
  static override readonly code: string = 'E_MISSING_PEER'
  static override readonly title: string = 'MissingPeerError'

  constructor(name: string, cause?: unknown) {
    super(`The package ${name} is not installed: run \`npm install ${name}\``, cause)
  }
}

/** Bentocache's `errors` object: error classes by code. */
export const errors: {
  readonly E_FACTORY_ERROR: typeof FactoryError
  readonly E_FACTORY_SOFT_TIMEOUT: typeof FactorySoftTimeout
  readonly E_FACTORY_HARD_TIMEOUT: typeof FactoryHardTimeout
  readonly E_UNDEFINED_VALUE: typeof UndefinedValueError
  readonly E_L2_CACHE_ERROR: typeof L2CacheError
  readonly E_L2_TIMEOUT: typeof L2TimeoutError
  readonly E_L2_UNAVAILABLE: typeof L2UnavailableError
  readonly E_STORE: typeof StoreError
  readonly E_SERIALIZATION: typeof SerializationError
  readonly E_INVALID_OPTION: typeof InvalidOptionError
  readonly E_UNKNOWN_STORE: typeof UnknownStoreError
  readonly E_MISSING_BINDING: typeof MissingBindingError
  readonly E_MISSING_PEER: typeof MissingPeerError
} = {
  E_FACTORY_ERROR: FactoryError,
  E_FACTORY_SOFT_TIMEOUT: FactorySoftTimeout,
  E_FACTORY_HARD_TIMEOUT: FactoryHardTimeout,
  E_UNDEFINED_VALUE: UndefinedValueError,
  E_L2_CACHE_ERROR: L2CacheError,
  E_L2_TIMEOUT: L2TimeoutError,
  E_L2_UNAVAILABLE: L2UnavailableError,
  E_STORE: StoreError,
  E_SERIALIZATION: SerializationError,
  E_INVALID_OPTION: InvalidOptionError,
  E_UNKNOWN_STORE: UnknownStoreError,
  E_MISSING_BINDING: MissingBindingError,
  E_MISSING_PEER: MissingPeerError,
}
