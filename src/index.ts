/**
 * Ekiben: Bentocache for the edge.
 *
 * @module
 */
export { childLogger } from './child-logger.ts'
export { BentoCache, type BentoCacheOptions, type BentoCachePlugin } from './bento-cache.ts'
export {
  Cache,
  type DeleteByTagOptions,
  type DeleteManyOptions,
  type DeleteOptions,
  type GetOptions,
  type GetOrSetForeverOptions,
  type GetOrSetOptions,
  type KeyOptions,
  type SetOptions,
  type SuppressOptions,
} from './cache.ts'
export type { Duration } from './durations.ts'
export * from './errors.ts'
export type { BusMessage, CacheEvents, Emitter } from './events.ts'
export type { Factory, FactoryContext, FactoryOptions } from './factory.ts'
export type { InternalOperationWrapper } from './l2.ts'
export type { Logger, ParentLogger } from './log.ts'
export type { OperationOptions, StoreOptions } from './options.ts'
export type * from './ports.ts'
export { holdPending } from './pending.ts'
export { systemRuntime } from './runtime.ts'
export type { PayloadCodec, PayloadPlace } from './codecs/codec.ts'
export type { Serializer } from './serializer.ts'
export type { ValueSchema } from './value-schema.ts'
export {
  type AtomicBusDriver,
  BentoStore,
  bentostore,
  type BusDriver,
  type BusTransport,
  type StoreEntry,
  type TransportMessage,
} from './store.ts'
export type { Step, TraceListener } from './trace.ts'
export type {
  Channel,
  ContextStore,
  Failed,
  OnMessage,
  Traced,
  TracingChannel,
  TracingMoments,
  TracingSubscribers,
} from './tracing-channel.ts'
export { type CacheOperationMessage, tracingChannels } from './tracing-channels.ts'
