/**
 * Many keys at once.
 *
 * @module
 */
export { BatchError, type Batch, type BatchContext, type BatchFactory } from './batch-factory.ts'
export { getMany, type GetManyOptions } from './get-many.ts'
export { getOrSetMany, type GetOrSetManyOptions, SomeFailedError } from './get-or-set-many.ts'
export { setMany, type SetManyOptions } from './set-many.ts'
