/** `--serve`: the stage stays up under light traffic, so that the page has something to show. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Fleet } from './isolates.ts'
import { seeded } from './random.ts'
import { SetupError } from './setup-error.ts'
import { errandSource } from './traffic.ts'
import type { World } from './world.ts'

const PER_SECOND = 20

/** The port, if nobody has it: told now, in words, instead of later by a stack. */
export async function freePort(port: number): Promise<number> {
  const probe = createServer().listen(port, '127.0.0.1')
  await once(probe, 'listening').catch(() => {
    throw new SetupError(`port ${port} is taken: end what listens there, or choose another with --port`)
  })
  probe.close()
  await once(probe, 'close')
  return port
}

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
