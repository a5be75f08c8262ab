/** Runs the driver suites under Japa, and prints what came of each case as lines of JSON. `-- liar` runs them for a driver that is wrong. */
import { assert } from '@japa/assert'
import { configure, processCLIArgs, run } from '@japa/runner'
import { ndjson } from '@japa/runner/reporters'

processCLIArgs([])
configure({
  plugins: [assert()],
  files: ['test/japa/suites.ts'],
  reporters: { activated: ['ndjson'], list: [ndjson()] },
})
await run()
