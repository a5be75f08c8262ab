/** What a guest does that runs where requests are all there is: some cases, or one scene, in each request. */
import { allCases } from '../cases.ts'
import { runCase } from '../run-case.ts'
import { play } from '../scenes.ts'
import type { RuntimeCase, Told, World } from '../world.ts'

/** Body of `POST /run`. */
export interface RunRequest {
  /** Places in the plan. */
  readonly cases: readonly number[]
  readonly gateway: string
}

let made: readonly RuntimeCase[] | undefined

/** Made once: they are plain data, and hold nothing of the request that made them. */
function casesFor(world: World): readonly RuntimeCase[] {
  return (made ??= allCases(world))
}

/** `GET /plan` gives the names of all cases, `POST /run` runs some, `POST /scene/<name>` plays one. */
export async function serve(request: Request, world: World): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/plan') return Response.json(casesFor(world).map(({ name }) => name))
  if (pathname === '/run') return Response.json(await run(await request.json(), world))
  const [, scene] = /^\/scene\/([\w-]+)$/.exec(pathname) ?? []
  if (scene) return Response.json({ value: (await play(scene, await request.json())) ?? null })
  return new Response('no such route', { status: 404 })
}

async function run({ cases, gateway }: RunRequest, world: World): Promise<Told[]> {
  const all = casesFor(world)
  const told: Told[] = []
  for (const at of cases) {
    const one = all[at]
    if (!one) throw new Error(`there is no case ${at}`)
    told.push(await runCase(one, world, gateway))
  }
  return told
}

/** Plays a scene by a request to the guest itself, at this address. */
export async function requestAt(origin: string, scene: string, input: object): ReturnType<World['request']> {
  const response = await fetch(`${origin}/scene/${scene}`, { method: 'POST', body: JSON.stringify(input) })
  if (!response.ok) throw new Error(`scene ${scene}: ${response.status} ${await response.text()}`)
  const { value } = (await response.json()) as { value: unknown }
  const given = response.headers.get('x-given')
  return { value, given: given === null ? undefined : Number(given) }
}
