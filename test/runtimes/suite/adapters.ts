import * as ekiben from 'ekiben'
import * as core from 'ekiben/core'
import * as full from 'ekiben/full'
import { equal, holds } from '../../conformance/check.ts'
import type { AdapterName, RuntimeCase } from '../world.ts'

/** What only these adapters export, beside what all do. */
const MARKS: Readonly<Record<AdapterName, readonly string[]>> = {
  bun: ['closeOnSignals', 'processRuntime', 'withRequest'],
  cloudflare: ['cloudflareRuntime', 'scheduledHandler'],
  deno: ['closeOnSignals', 'processRuntime', 'withRequest'],
  node: ['closeOnSignals', 'processRuntime', 'withRequest'],
  vercel: ['vercelRuntime'],
}

/** Adapters of `ekiben/full`, where several runtimes share one. */
const FULL: Readonly<Record<AdapterName, string>> = {
  bun: 'full-process',
  cloudflare: 'full-cloudflare',
  deno: 'full-process',
  node: 'full-process',
  vercel: 'full-vercel',
}

/** That the package's own conditions lead each runtime to what was made for it. */
export function adapterCases(): RuntimeCase[] {
  return [
    {
      name: 'adapter: the runtime resolves the package to the adapter that is its own',
      run: async ({ world }) => {
        const found = ['ekiben', 'ekiben/full', 'ekiben/core'].map((specifier) =>
          world.resolved(specifier).split('/ekiben/').at(-1),
        )
        const expected = [world.adapter, FULL[world.adapter], 'core']
        equal(
          found,
          expected.map((name) => `dist/adapters/${name}.js`),
          'files',
        )
      },
    },
    {
      name: 'adapter: what is resolved has what only that adapter has',
      run: async ({ world }) => {
        const every = new Set(Object.values(MARKS).flat())
        const found = [...every].filter((name) => name in ekiben).toSorted()
        equal(found, MARKS[world.adapter], 'names of adapters')
      },
    },
    {
      name: 'adapter: every entry has the same names beside those',
      run: async () => {
        const names = Object.keys(core).filter((name) => name !== 'unknownRuntime')
        equal(
          names.filter((name) => !(name in ekiben)),
          [],
          'missing in ekiben',
        )
        equal(
          names.filter((name) => !(name in full)),
          [],
          'missing in ekiben/full',
        )
        holds(names.includes('BentoCache') && names.includes('bentostore'), 'there must be a cache')
      },
    },
    {
      name: 'adapter: errors are classes with codes, in whatever realm they are made',
      run: async () => {
        for (const [code, type] of Object.entries(ekiben.errors)) {
          equal(
            [type.code, type.prototype instanceof Error],
            [code, true],
            'code, and whether it is an error',
          )
        }
      },
    },
    {
      name: 'adapter: construction at module scope starts nothing',
      run: async () => {
        // Of the modules that hold these cases some are evaluated where no timer may be made.
        holds(typeof ekiben.BentoCache === 'function', 'there must be a cache')
        const bento = new ekiben.BentoCache({ default: 'main', stores: { main: ekiben.bentostore() } })
        equal(bento.inflight, 0, 'computations')
        await bento.flush()
      },
    },
  ]
}
