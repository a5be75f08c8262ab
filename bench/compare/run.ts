/**
 * `npm run compare`: the same four scenes for Ekiben and its peers, in one real workerd.
 *
 *   --json           the report as JSON, alone on stdout
 *   --only a,b       some libraries only, by the ids of contestants.ts
 *
 * Exits 1 when Ekiben itself answers 500, hangs or loses a refresh. Peers are reported, not judged.
 */
import { parseArgs } from 'node:util'
import { type Contestant, contestants, versionOf } from './contestants.ts'
import { type Host, startHost } from './host.ts'
import { type ContestantResult, faultsOf, printable } from './report.ts'
import { runBurst, runCancelled, runSilent, runStale } from './run-scenes.ts'

const { values: flags } = parseArgs({
  options: { json: { type: 'boolean', default: false }, only: { type: 'string' } },
})

const say = (line: string) => process.stderr.write(`${line}\n`)

async function compare(host: Host, contestant: Contestant): Promise<ContestantResult> {
  // One after the other in a library, side by side over the libraries: a burst then meets no
  // traffic but other bursts, which are timers and cost the runtime next to nothing.
  const burst = await runBurst(host.urlOf(contestant, 'burst'))
  const [cancelled, silent, stale] = await Promise.all([
    runCancelled(host.urlOf(contestant, 'cancelled')),
    runSilent(host.urlOf(contestant, 'silent')),
    runStale(host.urlOf(contestant, 'stale')),
  ])
  const { id, name, variant } = contestant
  say(`done: ${id}`)
  return {
    id,
    name,
    version: versionOf(name),
    ...(variant === undefined ? {} : { variant }),
    burst,
    cancelled,
    silent,
    stale,
  }
}

const select = (ids: string): Contestant[] =>
  ids.split(',').map((id) => {
    const found = contestants.find((contestant) => contestant.id === id)
    if (found === undefined) throw new Error(`--only: no library has the id '${id}'`)
    return found
  })

const selected = flags.only === undefined ? contestants : select(flags.only)

say(`bundling ${selected.length} Workers and starting workerd`)
const host = await startHost(selected)
say('running; up to half a minute, since a hang has to be waited for')
try {
  const results = await Promise.all(selected.map((contestant) => compare(host, contestant)))
  const report = {
    workerd: versionOf('workerd'),
    date: new Date().toISOString().slice(0, 10),
    results,
  }
  process.stdout.write(`${flags.json ? JSON.stringify(report, undefined, 2) : printable(report)}\n`)
  const faults = results.filter(({ id }) => id === 'ekiben').flatMap(faultsOf)
  for (const fault of faults) say(`ekiben: ${fault}`)
  process.exitCode = faults.length > 0 ? 1 : 0
} finally {
  await host.dispose()
}
