/** `--serve`: the stage stays up under light traffic, so that the page has something to show. */
import { once } from 'node:events'
import type { Fleet } from './isolates.ts'
import { seeded } from './random.ts'
import { errandSource } from './traffic.ts'
import type { World } from './world.ts'

const PER_SECOND = 20

/** Keeps asking until Ctrl+C. */
export async function serve(fleet: Fleet, world: World, seed: number): Promise<void> {
  const next = errandSource(world, '', seeded(seed))
  const timer = setInterval(() => {
    fleet.ask(next().path).then(
      (response) => response.text(),
      (error: unknown) => process.stderr.write(`${String(error)}\n`),
    )
  }, 1_000 / PER_SECOND)
  process.stderr.write(
    `Live page: http://localhost:${fleet.origin.port} (${PER_SECOND} requests a second keep coming; Ctrl+C ends it)\n`,
  )
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(timer)
}
