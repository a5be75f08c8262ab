import { prometheusPlugin } from '@bentocache/plugin-prometheus'
import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { ours, settle, theirs } from './pair.ts'
import { type AnyCache, type Script, SCRIPTS, type Stacked } from './scripts.ts'

/** Every counter as the registry shows it, but those that never counted. */
async function counts(script: Script, make: (plugin: object) => AnyCache): Promise<Record<string, number>> {
  const registry = new Registry()
  const plugin = prometheusPlugin({ registry, keyGroups: [[/^users?:/, 'users']] })
  await script.run(make(plugin), settle)
  await settle()
  const metrics = await registry.getMetricsAsJSON()
  return Object.fromEntries(
    metrics.flatMap(({ name, values }) =>
      values
        .filter(({ value }) => value > 0)
        .map(({ labels, value }) => [`${name} ${JSON.stringify(labels)}`, value] as const),
    ),
  )
}

/** What of Bentocache's counts is expected here. */
function expectedOf(counted: Record<string, number>, { name }: Script): object {
  // Its tags are keys, which are counted as entries are; here they are none.
  const own = Object.fromEntries(Object.entries(counted).filter(([label]) => !label.includes('___bc:t:')))
  const deletes = 'bentocache_deletes {"store":"main","key":"a"}'
  // A pull of nothing deletes nothing.
  return name.startsWith('pull') ? { ...own, [deletes]: 1 } : own
}

describe.each(['L1 alone', 'L1 and L2', 'L2 alone'] as const)('%s', (stack: Stacked) => {
  const scripts = SCRIPTS.filter(({ stacks }) => !stacks || stacks.includes(stack))

  test.each(scripts)(
    '@bentocache/plugin-prometheus counts what it counts for Bentocache: $name',
    async (script) => {
      const setup = { stack, grace: script.grace }
      const expected = await counts(script, (plugin) => theirs({ ...setup, more: { plugins: [plugin] } }))
      const counted = await counts(script, (plugin) => ours({ ...setup, more: { plugins: [plugin] } }))
      expect(counted).toEqual(expectedOf(expected, script))
    },
  )
})

test('key groups label many keys as one', async () => {
  const script: Script = {
    name: 'groups',
    grace: false,
    run: async (cache) => [await cache.get({ key: 'user:1' }), await cache.get({ key: 'users:2' })],
  }
  const counted = await counts(script, (plugin) =>
    ours({ stack: 'L1 alone', grace: false, more: { plugins: [plugin] } }),
  )
  expect(counted).toEqual({ 'bentocache_misses {"store":"main","key":"users"}': 2 })
})
