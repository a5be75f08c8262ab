/**
 * Values with what is known of them, and what may be done to their lives.
 *
 * @module
 */
export type { EntryInfo, Reason } from './entry-info.ts'
export {
  type ExtendedContext,
  type ExtendedFactory,
  type ExtendedMemberContext,
  NothingToKeepError,
  type Validators,
} from './extended-factory.ts'
export type { ExtraOperationOptions, ExtraOptions, ExtraStoreOptions } from './extra-options.ts'
export { getEntry, remainingTtl } from './get-entry.ts'
export { getOrSetEntry, type GetOrSetEntryOptions } from './get-or-set-entry.ts'
export { touch, type TouchOptions } from './touch.ts'
