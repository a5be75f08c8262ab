import { expect, test } from 'vitest'
import { NO_VERSION } from '../../src/no-version.ts'
import type { CacheDriver, CommitRequest } from '../../src/ports.ts'
import { versionedValues } from '../../src/versioned-values.ts'
import { ledgerCoordination } from '../support/ledger-coordination.ts'

/** A coordinator over a store of values, and what is done while a body is put. */
function open() {
  const texts = new Map<string, string>()
  const during: { set?: (() => Promise<unknown>) | undefined } = {}
  const asked: string[] = []
  const values = {
    get: async (name: string) => (asked.push(name), texts.get(name)),
    set: async (name: string, text: string) => {
      const { set } = during
      during.set = undefined
      await set?.()
      return texts.set(name, text).size > 0
    },
  } as unknown as CacheDriver
  const coordination = versionedValues(values, ledgerCoordination({ now: () => 0 }).coordination)
  const commit = (version: string, request: Partial<CommitRequest>) =>
    coordination.commit({
      op: version,
      key: 'k',
      version,
      tags: [],
      namespaces: [''],
      freshFor: null,
      staleFor: null,
      mode: { kind: 'set' },
      ...request,
    })
  return { asked, during, coordination, commit }
}

test('a version that is set while the body of another is prolonged does not get its life', async () => {
  const { coordination, commit, during } = open()
  await commit('v1', { payload: 'old', staleFor: 1000 })
  during.set = () => commit('v2', { payload: 'new', staleFor: 2000 })
  expect((await commit('touch', { keeps: '*', staleFor: 9000 })).stored).toBe(false)
  const { entry, staleFor } = await coordination.read({ key: 'k', tags: [], namespaces: [''] })
  expect([entry?.payload, staleFor]).toEqual(['new', 2000])
})

test('what is to be kept under the name that no version bears costs no look into the store of values', async () => {
  const { commit, asked } = open()
  await commit('v1', { payload: 'old' })
  expect((await commit('given back', { keeps: NO_VERSION })).stored).toBe(false)
  expect(asked).toEqual([])
})
