// What a user's Worker pays for the cache, in bytes after minification and gzip; `+` is on top of coreMemory. Fails above a limit, and
// when a bundle holds anything but this project's own portable code. `--why <entry>` lists what is in it.
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'

import { bundle, entries, type Entry } from './bundle.ts'

const { values: flags } = parseArgs({
  options: { json: { type: 'boolean', default: false }, why: { type: 'string' } },
})

/** Gzip bytes; nothing weighs nothing. */
function weigh(code: string): number {
  return code === '' ? 0 : gzipSync(code, { level: 9 }).byteLength
}

const measured = await Promise.all(
  Object.entries<Entry>(entries).map(async ([name, entry]) => {
    const { code, parts, faults } = await bundle(entry)
    const without = entry.beside === undefined ? '' : (await bundle({ file: entry.beside })).code
    const minified = Buffer.byteLength(code) - Buffer.byteLength(without)
    const gzip = weigh(code) - weigh(without)
    const tooLarge = entry.limit !== undefined && gzip > entry.limit
    return {
      name: entry.beside === undefined ? name : `+ ${name}`,
      minified,
      gzip,
      parts,
      limit: entry.limit,
      faults: tooLarge ? [...faults, `weighs ${gzip} bytes, allowed are ${entry.limit}`] : faults,
    }
  }),
)

if (flags.json) {
  console.log(JSON.stringify({ entries: Object.fromEntries(measured.map(({ name, gzip }) => [name, gzip])) }))
} else {
  console.log(
    'Bytes of a Worker that uses nothing else. +: on top of coreMemory. core: all that ekiben exports, with nothing left out.\n',
  )
  console.log(`${'entry'.padEnd(26)}${'minified'.padStart(10)}${'gzip'.padStart(10)}${'limit'.padStart(10)}`)
  for (const { name, minified, gzip, limit } of measured) {
    console.log(
      `${name.padEnd(26)}${[minified, gzip, limit ?? '-'].map((n) => String(n).padStart(10)).join('')}`,
    )
  }
}

for (const { parts } of measured.filter(({ name }) => name === flags.why)) {
  console.log(`\nminified bytes in ${flags.why}`)
  const largest = Object.entries(parts).toSorted(([, a], [, b]) => b - a)
  for (const [path, bytes] of largest) console.log(`${String(bytes).padStart(7)}  ${path}`)
}

const complaints = measured.flatMap(({ name, faults }) => faults.map((fault) => `${name} ${fault}`))
for (const complaint of complaints) console.error(complaint)
process.exitCode = complaints.length > 0 ? 1 : 0
