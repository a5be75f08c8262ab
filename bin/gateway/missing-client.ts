import { CacheError } from '../../src/errors.ts'

/** The gateway speaks to Redis through `ioredis`, which is not installed along with Ekiben. */
export class MissingClientError extends CacheError {
  static override readonly code: string = 'E_MISSING_CLIENT'
  static override readonly title: string = 'MissingClientError'

  constructor(cause: unknown) {
    super('The gateway needs the package ioredis: npm install ioredis', cause)
  }
}
