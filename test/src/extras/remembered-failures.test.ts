import { describe, expect, test, vi } from 'vitest'
import { getOrSetEntry, getOrSetExtended } from '../../../src/extras/get-or-set-entry.ts'
import { failureOf, pair } from '../../support/pair.ts'
import { STACKS } from '../../support/stacks.ts'
import { gate } from '../../support/world.ts'

const failing = () => Promise.reject<string>(new Error('down'))
const FAILS = { code: 'E_FACTORY_ERROR' }
const gives = (value: unknown) => ({ resolved: { value } })

describe.each(STACKS)('%s: a remembered failure', (_, make) => {
  test('is not that of a run for one caller alone', async () => {
    const { bento, clock } = make()
    const asked = { key: 'k', errorTtl: '10s' } as const
    await failureOf(getOrSetEntry(bento, { ...asked, noStore: true, factory: failing }))
    expect(await clock.run(failureOf(getOrSetEntry(bento, { ...asked, factory: () => 'v' })))).toMatchObject(
      gives('v'),
    )
  })

  test.each([
    ['a set', 'set'],
    ['a delete', 'v'],
  ])('%s that was acknowledged while its factory ran is newer', async (what, expected) => {
    const { bento, clock } = make()
    const run = gate<string>()
    const ask = (factory: () => Promise<string>) =>
      failureOf(getOrSetEntry(bento, { key: 'k', errorTtl: '1h', factory }))
    const asked = ask(() => run.promise)
    await clock.settle()
    const told = what === 'a set' ? bento.set({ key: 'k', value: 'set' }) : bento.delete({ key: 'k' })
    expect(await told).toBe(true)
    run.fail(new Error('down'))
    await clock.run(asked)
    expect(await clock.run(ask(() => Promise.resolve('v')))).toMatchObject(gives(expected))
  })

  test('is not that somebody else lost patience', async () => {
    const { bento, clock } = make()
    const slow = () => new Promise<string>((resolve) => void clock.setTimer(() => resolve('v'), 300))
    const ask = (options: object) =>
      failureOf(getOrSetEntry(bento, { key: 'k', errorTtl: '1h', factory: slow, ...options }))
    const leader = ask({})
    await Promise.resolve()
    const impatient = ask({ hardTimeout: 100 })
    expect(await clock.run(impatient)).toMatchObject({ code: 'E_FACTORY_HARD_TIMEOUT' })
    const patient = ask({})
    expect(await clock.run(leader)).toMatchObject(gives('v'))
    expect(await clock.run(patient)).toMatchObject(gives('v'))
    expect(await clock.run(ask({}))).toMatchObject(gives('v'))
  })

  test('spares the origin although an expired value lies there that nobody may be given', async () => {
    const { bento, clock } = make({ ttl: '1m' })
    await bento.set({ key: 'k', value: 'old' })
    await bento.expire({ key: 'k' })
    const factory = vi.fn(failing)
    const ask = () =>
      clock.run(failureOf(getOrSetEntry(bento, { key: 'k', errorTtl: '10s', grace: false, factory })))
    for (let time = 0; time < 3; time++) expect(await ask()).toMatchObject(FAILS)
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('is answered with the expired value by who forgives it', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h', timeout: null })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    const factory = vi.fn(failing)
    const ask = (graceOn: () => boolean) =>
      clock.run(failureOf(getOrSetEntry(bento, { key: 'k', errorTtl: '3s', graceOn, factory })))
    for (let time = 0; time < 3; time++) expect(await ask(() => false)).toMatchObject(FAILS)
    expect(await ask(() => true)).toMatchObject({ resolved: { value: 'old', reason: 'error' } })
    expect(factory).toHaveBeenCalledTimes(1)
  })

  test('of the parent is not the child’s', async () => {
    const { bento, clock } = make()
    await clock.run(failureOf(getOrSetEntry(bento, { key: 'n:k', errorTtl: '1h', factory: failing })))
    const child = bento.namespace('n')
    const ask = getOrSetEntry(child, { key: 'k', errorTtl: '1h', factory: () => 'v' })
    expect(await clock.run(failureOf(ask))).toMatchObject(gives('v'))
  })

  test('is none of the default’s, which is asked for once', async () => {
    const { bento, clock } = make()
    const defaultValue = vi.fn(() => bento.getOrSet<string>({ key: 'other', factory: failing }))
    const asked = getOrSetEntry<string | undefined>(bento, {
      key: 'k',
      errorTtl: '10s',
      defaultValue,
      factory: (ctx) => ctx.notFound(),
    })
    expect(await clock.run(failureOf(asked))).toMatchObject(FAILS)
    expect(defaultValue).toHaveBeenCalledTimes(1)
  })
})

describe.each(STACKS)('%s: what is wrong with the call', (_, make) => {
  test('rejects from inside the factory too, whatever the default', async () => {
    const { bento, clock } = make()
    const asked = getOrSetEntry(bento, {
      key: 'k',
      errorTtl: '1h',
      defaultValue: 'default',
      factory: (ctx) => ctx.modified('v', { etag: 5 as never }),
    })
    expect(await clock.run(failureOf(asked))).toMatchObject({ cause: { code: 'E_INVALID_OPTION' } })
    const again = getOrSetEntry(bento, { key: 'k', errorTtl: '1h', factory: () => 'v' })
    expect(await clock.run(failureOf(again))).toMatchObject(gives('v'))
  })
})

describe.each(STACKS)('%s: a refused failure', (_, make) => {
  test('is waited for once it is known, until there is a value again', async () => {
    const { bento, clock } = make({ ttl: '1m', grace: '1h' })
    await bento.set({ key: 'k', value: 'old' })
    await clock.advance(61_000)
    const ask = async (factory: () => Promise<string>) => {
      const answer = await clock.run(
        failureOf(getOrSetEntry(bento, { key: 'k', graceOn: () => false, factory })),
      )
      await clock.settle()
      return answer
    }
    expect(await ask(failing)).toMatchObject({ resolved: { value: 'old', reason: 'refresh' } })
    expect(await ask(failing)).toMatchObject(FAILS)
    expect(await ask(failing)).toMatchObject(FAILS)
    expect(await ask(() => Promise.resolve('new'))).toMatchObject(gives('new'))
    await clock.advance(61_000)
    expect(await ask(failing)).toMatchObject({ resolved: { value: 'new', reason: 'refresh' } })
  })
})

describe.each(STACKS)('%s: an early refresh', (_, make) => {
  test.each([{ onlyIfCached: true }, { noStore: true }])(
    'is not begun by a call with %o',
    async (options) => {
      const { bento, clock } = make({ ttl: '1m' })
      await bento.set({ key: 'k', value: 'shared' })
      await clock.advance(55_000)
      const factory = vi.fn(() => 'mine alone')
      await getOrSetEntry(bento, { key: 'k', eagerRefresh: 0.5, factory, ...options })
      await clock.settle()
      expect(factory).not.toHaveBeenCalled()
      expect(await bento.get({ key: 'k' })).toBe('shared')
    },
  )
})

test.each(STACKS)('%s: with noStore, that there is nothing is the default', async (_, make) => {
  const { bento } = make()
  const asked = getOrSetExtended<string | undefined>(bento, {
    key: 'k',
    noStore: true,
    defaultValue: 'default',
    factory: (ctx) => ctx.notFound(),
  })
  expect(await asked).toBe('default')
})

describe('several isolates', () => {
  const asked = { key: 'k', errorTtl: '30m', factory: failing } as const

  test.each(['set', 'filled'])(
    'a value that another has %s ends a failure within maxStaleness',
    async (how) => {
      const { a, b, run, clock } = pair({ ttl: '1h', maxStaleness: '5s' })
      const factory = vi.fn(failing)
      const ask = () => run(failureOf(getOrSetEntry(a.bento, { ...asked, factory })))
      await ask()
      if (how === 'set') await run(b.bento.set({ key: 'k', value: 'v' }))
      else await run(b.bento.getOrSet({ key: 'k', factory: () => 'v' }))
      await clock.advance(5001)
      expect(await ask()).toMatchObject(gives('v'))
      expect(factory).toHaveBeenCalledTimes(1)
    },
  )

  test('who fails alike asks L2 once in maxStaleness', async () => {
    const { a, run, clock, calls } = pair({ ttl: '1h', maxStaleness: '5s', pollInterval: '1h' })
    const factory = vi.fn(failing)
    const ask = () => run(failureOf(getOrSetEntry(a.bento, { ...asked, factory })))
    await ask()
    await clock.settle()
    const before = calls()
    for (let at = 0; at < 10; at++) {
      await clock.advance(1000)
      expect(await ask()).toMatchObject(FAILS)
    }
    expect(calls() - before).toBe(1)
    expect(factory).toHaveBeenCalledTimes(1)
  })
})

test('of the failures of a store the last thousand are remembered', async () => {
  const { a, run } = pair()
  const factory = vi.fn(failing)
  const ask = (at: number) =>
    run(failureOf(getOrSetEntry(a.bento, { key: `k${at}`, errorTtl: '1h', factory })))
  for (let at = 0; at <= 1000; at++) await ask(at)
  await ask(1)
  expect(factory).toHaveBeenCalledTimes(1001)
  await ask(0)
  expect(factory).toHaveBeenCalledTimes(1002)
})
