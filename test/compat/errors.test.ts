import { errors as bentocacheErrors } from 'bentocache'
import { describe, expect, test } from 'vitest'
import { errors } from '../../src/index.ts'

type Made = Error & { readonly code?: string; readonly status?: number; readonly key?: string }

const cause = new Error('origin down')
/** What each is made with. */
const GIVEN: Readonly<Record<keyof typeof bentocacheErrors, readonly unknown[]>> = {
  E_FACTORY_ERROR: ['k', cause, true],
  E_FACTORY_SOFT_TIMEOUT: ['k'],
  E_FACTORY_HARD_TIMEOUT: ['k'],
  E_UNDEFINED_VALUE: ['k'],
  E_L2_CACHE_ERROR: [cause],
}

/** All that a caller may look at. Names without the underscore that Bentocache's bundler has put before some. */
function looks(error: Made, made: object): unknown {
  const { name, code, status, message, key, cause: reason } = error
  const { isBackgroundFactory } = error as { isBackgroundFactory?: boolean }
  const own = made as { code?: string; message?: string; name?: string }
  return {
    code,
    status,
    message,
    key,
    reason,
    isBackgroundFactory,
    isError: error instanceof Error,
    names: [name, own.name, error.toString()].map((text) => text?.replace(/^_/, '')),
    statics: [own.code, own.message],
  }
}

describe('errors', () => {
  test.each(Object.keys(bentocacheErrors) as (keyof typeof bentocacheErrors)[])(
    '%s looks like Bentocache’s, in all that callers may look at',
    (code) => {
      const [theirs, ours] = [bentocacheErrors[code], errors[code]] as unknown as (new (
        ...given: readonly unknown[]
      ) => Made)[]
      const given = GIVEN[code]
      const expected = looks(new theirs!(...given), theirs!)
      expect(looks(new ours!(...given), ours!)).toEqual(expected)
    },
  )

  test('a factory’s error is of the foreground unless it says otherwise', () => {
    expect(new errors.E_FACTORY_ERROR('k', cause).isBackgroundFactory).toBe(false)
  })
})
