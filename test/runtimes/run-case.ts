import type { Place, RuntimeCase, Told, World } from './world.ts'

let count = 0

/** Runs one case. It always tells, also of a case that never ends: that one is left behind. */
export async function runCase({ name, run }: RuntimeCase, world: World, gateway: string): Promise<Told> {
  const place: Place = { world, gateway, id: `${world.name}-${++count}x` }
  const start = performance.now()
  let stop = (): void => {}
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`it took longer than ${world.deadline} ms`)),
      world.deadline,
    )
    stop = () => clearTimeout(timer)
  })
  try {
    // A case that throws at once fails like any other.
    await Promise.race([Promise.resolve().then(() => run(place)), late])
    return { name, ms: performance.now() - start }
  } catch (error) {
    return { name, ms: performance.now() - start, error: textOf(error) }
  } finally {
    stop()
  }
}

/** Runs cases side by side, one at a time in each lane: most of them wait for real clocks. */
export async function runLanes(
  cases: readonly RuntimeCase[],
  world: World,
  tell: (told: Told) => void,
): Promise<void> {
  const left = [...cases]
  const lane = async (gateway: string): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) tell(await runCase(next, world, gateway))
  }
  await Promise.all(world.servers.gateways.map(lane))
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`
  const { name, message, cause } = error
  return `${name}: ${message}${cause === undefined ? '' : `; caused by ${textOf(cause)}`}`
}
