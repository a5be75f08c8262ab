import { errors as known } from '../errors.ts'
import { BatchError } from './batch-factory.ts'
import { NothingToKeepError } from './extended-factory.ts'
import { SomeFailedError } from './get-or-set-many.ts'

/** All errors by their code, for `instanceof`. */
export const errors: typeof known & {
  readonly E_BATCH: typeof BatchError
  readonly E_NOTHING_TO_KEEP: typeof NothingToKeepError
  readonly E_SOME_FAILED: typeof SomeFailedError
} = {
  ...known,
  E_BATCH: BatchError,
  E_NOTHING_TO_KEEP: NothingToKeepError,
  E_SOME_FAILED: SomeFailedError,
}
