/**
 * `npm run test:runtimes`: the same cases on every runtime, each with the package as it is published and resolved by its
 * own export condition.
 *
 *   --json         counts by runtime as JSON, alone on stdout
 *   --on <name>    one runtime; may be repeated
 *   --case <text>  the cases whose names hold it
 *
 * Exits 1 unless every case has run and passed on every runtime.
 */
import { readdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Host } from './host.ts'
import { runHosts } from './run-hosts.ts'
import { sayAll } from './verdict.ts'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    on: { type: 'string', multiple: true },
    case: { type: 'string' },
  },
})
// Whatever ends it: at its exit what it has started is ended.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const files = readdirSync(new URL('hosts/', import.meta.url)).toSorted()
const modules = files.map(async (file) => (await import(`./hosts/${file}`)) as { readonly host: Host })
const hosts = (await Promise.all(modules)).map(({ host }) => host)
const wanted = hosts.filter(({ name }) => flags.on?.includes(name) ?? true)
const { stdout, stderr, code } = sayAll(await runHosts(wanted, flags.case), flags.json)
for (const line of stderr) process.stderr.write(`${line}\n`)
process.stdout.write(`${stdout}\n`)
process.exitCode = code
