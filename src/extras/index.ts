/**
 * Everything there is: Bentocache's API, and what its users have asked for.
 *
 * @module
 */
export * from '../index.ts'
export * from './entry.ts'
export { bentostore, FullBentoCache, type FullBentoCacheOptions } from './full.ts'
