import { expect, test } from 'vitest'
import { errors } from '../../../src/extras/index.ts'
import { errors as known } from '../../../src/index.ts'

test('ekiben/full has its own errors beside those of ekiben, each by its code', () => {
  expect(errors).toMatchObject(known)
  for (const [code, kind] of Object.entries(errors)) expect(kind.code).toBe(code)
  expect(Object.keys(errors).filter((code) => !(code in known))).toEqual([
    'E_BATCH',
    'E_NOTHING_TO_KEEP',
    'E_SOME_FAILED',
  ])
})
