/**
 * Everything there is: Bentocache's API, and what its users have asked for.
 *
 * @module
 */
export * from '../index.ts'
export * from './advisor.ts'
export * from './cache-status.ts'
export * from './entry.ts'
export * from './explain.ts'
export { errors } from './full-errors.ts'
export * from './many.ts'
export {
  bentostore,
  FullBentoCache,
  type FullBentoCacheOptions,
  type FullGetOrSetManyOptions,
  type FullWrapOptions,
} from './full.ts'
export * from './memo.ts'
export * from './wrap.ts'
