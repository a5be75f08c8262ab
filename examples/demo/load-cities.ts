/**
 * Fills the demo's D1 through the Worker. Also a command of its own, for `wrangler dev`:
 *
 *   npx wrangler dev
 *   npm run demo:load -- http://localhost:8787
 *
 * `DEMO_SECRET` is the Worker's secret; the one of `.dev.vars` is the default.
 */
import { readWorld, toRow, type World } from './world.ts'

/** Sends one POST to the Worker's driver routes and gives the parsed answer. */
export type Post = (path: string, body: string) => Promise<unknown>

/** Some 300 kB of JSON a request: far below the 2 MB that D1 binds as one parameter. */
const CHUNK = 5_000

export async function loadWorld(
  world: World,
  post: Post,
  progress: (loaded: number) => void,
): Promise<number> {
  for (let from = 0; from < world.cities.length; from += CHUNK) {
    const chunk = world.cities.slice(from, from + CHUNK)
    await post('/load', JSON.stringify(chunk.map(toRow)))
    progress(from + chunk.length)
  }
  const counted = (await post('/count', '')) as { cities: number }
  return counted.cities
}

if (import.meta.main) {
  const origin = process.argv[2] ?? 'http://localhost:8787'
  const secret = process.env['DEMO_SECRET'] ?? 'local'
  const post: Post = async (path, body) => {
    const response = await fetch(origin + path, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${secret}` },
    })
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${await response.text()}`)
    return response.json()
  }
  const total = await loadWorld(readWorld(), post, (loaded) => process.stderr.write(`${loaded} rows sent\n`))
  process.stderr.write(`${total} cities in D1\n`)
}
