import { readFileSync } from 'node:fs'

export interface Contestant {
  /** Unique; part of the Worker's name. */
  readonly id: string
  /** The package. */
  readonly name: string
  /** What is set up differently from the library's row of the same name. */
  readonly variant?: string
  /** File below `workers/`. */
  readonly source: string
  /** Only where the library imports Node built-ins. */
  readonly nodeCompat: boolean
}

export const contestants: readonly Contestant[] = [
  { id: 'ekiben', name: 'ekiben', source: 'ekiben.ts', nodeCompat: false },
  { id: 'bentocache', name: 'bentocache', source: 'bentocache.ts', nodeCompat: true },
  {
    id: 'bentocache-lock-timeout',
    name: 'bentocache',
    variant: 'lockTimeout 2s',
    source: 'bentocache-lock-timeout.ts',
    nodeCompat: true,
  },
  { id: 'cachified', name: '@epic-web/cachified', source: 'cachified.ts', nodeCompat: false },
  { id: 'unkey', name: '@unkey/cache', source: 'unkey.ts', nodeCompat: false },
  {
    id: 'unkey-one-instance',
    name: '@unkey/cache',
    variant: 'one instance',
    source: 'unkey-one-instance.ts',
    nodeCompat: false,
  },
  { id: 'ocache', name: 'ocache', source: 'ocache.ts', nodeCompat: false },
]

export function versionOf(name: string): string {
  const manifest = name === 'ekiben' ? '../../package.json' : `../../node_modules/${name}/package.json`
  const text = readFileSync(new URL(manifest, import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
