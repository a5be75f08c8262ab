/** The cases of the runtime matrix in the pool, where they meet the sources and not the package. */
import { describe, inject, test } from 'vitest'
import { allCases } from '../runtimes/cases.ts'
import { runCase } from '../runtimes/run-case.ts'
import { play } from '../runtimes/scenes.ts'
import type { World } from '../runtimes/world.ts'

const { setup, resolved } = inject('runtimes')
const world: World = {
  ...setup,
  resolved: (specifier) => resolved[specifier] ?? `${specifier} is no export`,
  // The request that the tests run in is the only one.
  request: async (scene, input) => ({ value: await play(scene, input), given: undefined }),
}
const free = [...setup.servers.gateways]

describe.concurrent('the runtime matrix', { timeout: 2 * setup.deadline }, () => {
  for (const one of allCases(setup)) {
    test(one.name, async ({ expect }) => {
      const gateway = free.pop() ?? 'there are as many gateways as tests that run at a time'
      const { error } = await runCase(one, world, gateway)
      free.push(gateway)
      expect(error).toBeUndefined()
    })
  }
})
