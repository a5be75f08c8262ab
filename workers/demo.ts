/**
 * The demo Worker: cities of the world, each answer a SQL query on D1 behind the cache.
 *
 *   /city/:id                      one city
 *   /country/:code/top             its ten largest cities
 *   /near?lat=&lon=                the ten cities nearest to a point
 *   /counters                      what this isolate did so far; /coordinator: what the Durable Object saw, if there is one
 *   /                              both as a live page
 *
 * Everything that changes something asks for the secret `DEMO_SECRET` and is closed where none is set:
 * `wrangler dev` takes it from `.dev.vars`.
 */
import { env } from 'cloudflare:workers'
import { FactoryHardTimeout, InvalidOptionError } from '../adapters/cloudflare.ts'
import type { City } from './demo/answers.ts'
import { inflight, invalidate, l2, throughCache, type Query, type Served } from './demo/cache.ts'
import {
  citiesNear,
  cityById,
  countCities,
  growCountry,
  hasCities,
  largestCities,
  loadCities,
} from './demo/cities.ts'
import { counters, isolateName } from './demo/isolate.ts'
import { hasCoordinator } from './demo/l2.ts'
import { page } from './demo/page.ts'
import { scene, uncached } from './demo/scenes.ts'

export { Coordinator } from './coordinator.ts'

function cityQuery(id: number): Query<City | null> {
  return {
    key: `city:${id}`,
    ttl: '2s',
    run: () => cityById(env.DB, id),
    tags: (city) => (city ? [`country:${city.country}`] : []),
  }
}

/** Fresh for an hour: not the clock ends it but a change of the country, told by its tag. */
function topQuery(country: string): Query<City[]> {
  return {
    key: `country:${country}:top`,
    ttl: '1h',
    run: () => largestCities(env.DB, country),
    tags: () => [`country:${country}`],
  }
}

function nearQuery(lat: number, lon: number): Query<City[]> {
  return {
    key: `near:${lat}:${lon}`,
    ttl: '5s',
    run: () => citiesNear(env.DB, lat, lon),
    tags: (cities) => [...new Set(cities.map(({ country }) => `country:${country}`))],
  }
}

async function readRoutes({ pathname, searchParams }: URL): Promise<Response | undefined> {
  const city = /^\/city\/(\d{1,12})$/.exec(pathname)
  if (city) return answer(await throughCache(cityQuery(Number(city[1]))))
  const country = /^\/country\/([A-Z]{2})\/top$/.exec(pathname)
  if (country?.[1]) return answer(await throughCache(topQuery(country[1])))
  if (pathname === '/near') {
    const lat = coordinate(searchParams.get('lat'), 90)
    const lon = coordinate(searchParams.get('lon'), 180)
    if (lat === undefined || lon === undefined) return problem(400, 'lat and lon must be degrees')
    return answer(await throughCache(nearQuery(lat, lon)))
  }
  if (pathname === '/counters') return json({ isolate: isolateName(), l2, inflight: inflight(), ...counters })
  if (pathname === '/coordinator' && hasCoordinator(l2)) return json(await coordinatorStats())
  if (pathname === '/') return new Response(page, { headers: { 'content-type': 'text/html; charset=utf-8' } })
  return undefined
}

/** Each is a POST with the secret. The driver of the demo uses them; visitors cannot. */
async function driverRoutes(
  request: Request,
  { pathname, searchParams }: URL,
): Promise<Response | undefined> {
  const country = searchParams.get('country') ?? ''
  switch (pathname) {
    case '/load':
      return json({ loaded: await loadCities(env.DB, await request.json()) })
    case '/count':
      return json({ cities: await countCities(env.DB) })
    case '/grow':
      await growCountry(env.DB, country, Number(searchParams.get('by') ?? 1))
      return json({ grown: country })
    case '/invalidate':
      return json({ acknowledged: await invalidate(searchParams.get('tag') ?? '') })
    case '/scene':
      return answer(await scene(env.DB, searchParams))
    case '/uncached':
      return json(await uncached(env.DB, searchParams))
    default:
      return undefined
  }
}

/** The same stub address as the cache's driver: there is one coordinator. */
async function coordinatorStats(): Promise<object> {
  return env.COORDINATOR.getByName('ekiben').stats()
}

async function route(request: Request): Promise<Response> {
  const url = new URL(request.url)
  if (request.method === 'GET') return (await readRoutes(url)) ?? problem(404, 'no such page')
  if (request.method !== 'POST') return problem(405, 'GET or POST')
  if (!(await holdsSecret(request)))
    return problem(403, 'this needs the DEMO_SECRET of the Worker as a bearer token')
  return (await driverRoutes(request, url)) ?? problem(404, 'no such page')
}

/** Compares digests, so neither the length nor the first wrong letter shows in the time it takes. */
async function holdsSecret(request: Request): Promise<boolean> {
  if (!env.DEMO_SECRET) return false
  const digest = (text: string): Promise<ArrayBuffer> =>
    crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const given = await digest(request.headers.get('authorization') ?? '')
  return crypto.subtle.timingSafeEqual(given, await digest(`Bearer ${env.DEMO_SECRET}`))
}

/** One decimal, some ten kilometres: fewer keys, and neighbours share an answer. */
function coordinate(text: string | null, limit: number): number | undefined {
  const degrees = text === null || text.trim() === '' ? Number.NaN : Math.round(Number(text) * 10) / 10
  return Math.abs(degrees) <= limit ? degrees : undefined
}

function answer({ value, version, tier }: Served<unknown>): Response {
  const headers = { 'x-isolate': isolateName(), 'x-tier': tier, 'x-version': version }
  return value === null ? problem(404, 'no such city', headers) : json(value, 200, headers)
}

function problem(status: number, message: string, headers: Record<string, string> = {}): Response {
  return json({ error: message }, status, headers)
}

function json(value: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return Response.json(value, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

const worker: ExportedHandler = {
  async fetch(request) {
    try {
      return await route(request)
    } catch (error) {
      if (error instanceof InvalidOptionError || error instanceof SyntaxError)
        return problem(400, error.message)
      if (error instanceof FactoryHardTimeout) return problem(504, 'the database did not answer in time')
      if (!(await hasCities(env.DB))) return problem(503, 'no cities yet: run `npm run demo:load`')
      console.error(error)
      return problem(500, error instanceof Error ? error.name : 'unknown')
    }
  },
}

export default worker
