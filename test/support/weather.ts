import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, it } from 'vitest'
import { read } from '../sources.ts'
import { type App, type AppOptions, appForTests } from './app.ts'
import { eventually } from './eventually.ts'

/** How long the examples call a value fresh. */
export const TTL_MS = 5_000

/** What an example answers. */
export interface Reading {
  readonly city: string
  /** When the weather was asked for. */
  readonly made: string
  /** The header `Cache-Status`. */
  readonly status: string
}

/** The command that starts an example, as its README has it. */
export function readmeCommand(folder: string): AppOptions['command'] {
  const [, line = ''] = /```sh\n(?:#.*\n)*((?:npm run|npx) .*)\n/.exec(read(`${folder}/README.md`)) ?? []
  const [program, ...args] = line.replace(/\s+#.*$/, '').split(' ')
  if (!program) throw new Error(`${folder}/README.md says no command`)
  return [program, ...args]
}

export async function readWeather(app: App, city: string, path = '/weather'): Promise<Reading> {
  const response = await fetch(`${app.url}${path}?city=${city}`)
  expect(response.status).toBe(200)
  const { city: told, made } = (await response.json()) as { city: string; made: string }
  expect(told).toBe(city)
  return { city, made, status: response.headers.get('Cache-Status') ?? '' }
}

/**
 * Reads once the value has expired: it is served while it is refreshed. In L2 it lives as long as in L1, but from a little
 * later on, and what is fresh there is not asked for again; hence the second.
 */
export async function readStale(app: App, first: Reading, path?: string): Promise<Reading> {
  await sleep(Math.max(0, Date.parse(first.made) + TTL_MS + 1_000 - Date.now()))
  const reading = await readWeather(app, first.city, path)
  expect(reading).toMatchObject({
    made: first.made,
    status: expect.stringMatching(/^ekiben; hit; ttl=-\d+; detail=l[12]-refresh$/),
  })
  return reading
}

/** How often the weather of a city was asked for, as far as the app has said. */
export function factoryRuns(app: App, city: string): number {
  return app.output().split(`asked for the weather in ${city}\n`).length - 1
}

/** An example that runs for the tests of a file, and what it answered first. */
export interface WeatherApp {
  readonly name: string
  readonly path: string
  readonly get: () => App
  readonly first: () => Reading
}

/** Starts one. Several in a file wait for their values to expire at the same time. */
export function weatherApps(
  folder: string,
  options: () => AppOptions | Promise<AppOptions>,
  paths: readonly string[] = ['/weather'],
): WeatherApp[] {
  const get = appForTests(options)
  return paths.map((path) => {
    let first: Reading
    beforeAll(async () => {
      first = await readWeather(get(), cityOf('Toyama', path), path)
    })
    return { name: paths.length > 1 ? `${folder} at ${path}` : folder, path, get, first: () => first }
  })
}

/** What every example shows. Each test has a city of its own; those that share a store may share invalidations. */
export function showsTheWeather(apps: readonly WeatherApp[]): void {
  it.each(apps)('$name asks once for a crowd, and then answers from memory', async ({ get, path }) => {
    const app = get()
    const city = cityOf('Kanazawa', path)
    const crowd = await Promise.all(Array.from({ length: 8 }, () => readWeather(app, city, path)))
    expect(new Set(crowd.map(({ made }) => made)).size).toBe(1)
    expect(crowd.map(({ status }) => status)).toContainEqual(expect.stringContaining('fwd=miss; stored'))
    const next = await readWeather(app, city, path)
    expect(next).toMatchObject({ made: crowd[0]?.made, status: expect.stringMatching(/hit; .*detail=l1/) })
    await app.says(new RegExp(`asked for the weather in ${city}\n`))
    expect(factoryRuns(app, city)).toBe(1)
  })

  it.each(apps)('$name serves what has expired, and refreshes it behind the answer', async (each) => {
    const { get, path, first } = each
    const app = get()
    const stale = await readStale(app, first(), path)
    // Nobody asks meanwhile: a refresh that is lost with its request never says so.
    await eventually(() => expect(factoryRuns(app, stale.city)).toBe(2))
    const next = await readWeather(app, stale.city, path)
    expect(next.status).toContain('ekiben; hit;')
    expect(Date.parse(next.made)).toBeGreaterThan(Date.parse(stale.made))
  })

  it.each(apps)('$name asks again for what was invalidated by its tag', async ({ get, path }) => {
    const app = get()
    const city = cityOf('Fukui', path)
    const before = await readWeather(app, city, path)
    expect(await fetch(`${app.url}${path}`, { method: 'DELETE' })).toMatchObject({ status: 204 })
    const next = await readWeather(app, city, path)
    expect(next.status).toContain('fwd=miss')
    expect(Date.parse(next.made)).toBeGreaterThan(Date.parse(before.made))
  })
}

function cityOf(name: string, path: string): string {
  return name + path.replaceAll('/', '-')
}
