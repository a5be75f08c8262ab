import { describe, expect, test } from 'vitest'
import { getEntry, remainingTtl, touch } from '../../../src/extras/entry.ts'
import { useFleets } from '../../support/bus.ts'
import { pair } from '../../support/pair.ts'
import { STACKS } from '../../support/stacks.ts'
import { gate } from '../../support/world.ts'

const fleet = useFleets()

describe.each([
  ['memory with a bus', { bus: true }],
  ['a store of text with a bus', { bus: true, l2: true }],
  ['a store of text with a bus, without memory', { bus: true, l2: true, l1: false }],
  ['a store of text alone', { bus: false, l2: true }],
])('%s: touch', (_, options) => {
  test('prolongs the value, wherever that lies', async () => {
    const { isolate, clock } = fleet(options)
    const { bento } = isolate('a', { ttl: '2s' })
    await bento.set({ key: 'k', value: 'v' })
    await clock.advance(1000)
    expect(await clock.run(touch(bento, { key: 'k', ttl: '10s' }))).toBe(true)
    expect(await remainingTtl(bento, { key: 'k' })).toBe(10_000)
    expect(await bento.get({ key: 'k' })).toBe('v')
    await bento.delete({ key: 'k' })
    expect(await clock.run(touch(bento, { key: 'k' }))).toBe(false)
  })
})

test('touch does not bring back what another isolate has deleted, where values lie in memory alone', async () => {
  const { isolate, clock } = fleet({ bus: true })
  const [a, b] = [isolate('a', { ttl: '1m' }), isolate('b', { ttl: '1m' })]
  await a.bento.set({ key: 'k', value: 'v' })
  await b.bento.delete({ key: 'k' })
  expect(await clock.run(touch(a.bento, { key: 'k' }))).toBe(false)
  expect(await a.bento.get({ key: 'k' })).toBeUndefined()
})

describe('touch of a value that was kept out of L2', () => {
  const keptOut = async (older: boolean) => {
    const scene = pair({ ttl: '1m', grace: '1h', maxStaleness: '1h', pollInterval: '1h' })
    const { a, run, clock } = scene
    if (older) await run(a.bento.set({ key: 'k', value: 'in L2' }))
    await run(a.bento.set({ key: 'k', value: 'in L1 only', skipL2Write: true }))
    await clock.advance(50_000)
    return scene
  }

  test.each([
    ['where L2 has nothing', false],
    ['over an older one in L2', true],
  ])('prolongs it, %s', async (_, older) => {
    const { a, run } = await keptOut(older)
    expect(await run(touch(a.bento, { key: 'k' }))).toBe(true)
    expect(await run(getEntry(a.bento, { key: 'k' }))).toMatchObject({
      value: 'in L1 only',
      tier: 'l1',
      freshFor: 60_000,
      stale: false,
    })
  })

  test('leaves it behind what another isolate has written since', async () => {
    const { a, b, run } = await keptOut(true)
    await run(b.bento.set({ key: 'k', value: 'of b' }))
    expect(await run(touch(a.bento, { key: 'k' }))).toBe(true)
    expect(await run(a.bento.get({ key: 'k' }))).toBe('of b')
  })
})

test.each(STACKS)('%s: a refresh that was under way takes the place of what was touched', async (_, make) => {
  const { bento, clock } = make({ ttl: '1m', grace: '1h' })
  await bento.set({ key: 'k', value: 'old' })
  await clock.advance(60_000)
  const refresh = gate<string>()
  expect(await clock.run(bento.getOrSet({ key: 'k', factory: () => refresh.promise }))).toBe('old')
  await clock.advance(10)
  expect(await clock.run(touch(bento, { key: 'k' }))).toBe(true)
  refresh.open('new')
  await clock.settle()
  expect(await clock.run(bento.get({ key: 'k' }))).toBe('new')
})

test('so does the refresh of another isolate', async () => {
  const { a, b, run, clock, stored } = pair({ ttl: '1m', grace: '1h' })
  await run(a.bento.set({ key: 'k', value: 'old' }))
  await clock.advance(60_000)
  const refresh = gate<string>()
  await run(a.bento.getOrSet({ key: 'k', factory: () => refresh.promise }))
  expect(await run(touch(b.bento, { key: 'k' }))).toBe(true)
  expect(await run(b.bento.get({ key: 'k' }))).toBe('old')
  refresh.open('new')
  await clock.settle()
  expect(stored('k')).toBe('new')
})
