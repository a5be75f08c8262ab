/**
 * The demo's database: cities of the world in D1, and the queries worth caching.
 */
import { squeeze, type City, type CityRow } from './answers.ts'

const COLUMNS = 'id, name, country, population, lat, lon'

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS cities (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL,
    population INTEGER NOT NULL, lat REAL NOT NULL, lon REAL NOT NULL
  )`,
  'CREATE INDEX IF NOT EXISTS cities_by_country ON cities (country, population)',
  'CREATE INDEX IF NOT EXISTS cities_by_lat ON cities (lat)',
  'CREATE TABLE IF NOT EXISTS runs (name TEXT PRIMARY KEY, runs INTEGER NOT NULL)',
]

/**
 * Inserts one chunk and returns how many rows it had.
 *
 * The chunk travels as one bound JSON string: a statement takes at most 100 parameters,
 * and one statement per row is too slow for a hundred thousand of them.
 */
export async function loadCities(db: D1Database, rows: readonly CityRow[]): Promise<number> {
  await db.batch(SCHEMA.map((statement) => db.prepare(statement)))
  const insert = `INSERT OR REPLACE INTO cities (${COLUMNS})
    SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?)`
  await db.prepare(insert).bind(JSON.stringify(rows)).run()
  return rows.length
}

/** Whether there is anything to ask for. Cheap, unlike counting. */
export async function hasCities(db: D1Database): Promise<boolean> {
  const table = await db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'cities'").first()
  return table !== null && (await db.prepare('SELECT 1 FROM cities LIMIT 1').first()) !== null
}

export async function countCities(db: D1Database): Promise<number> {
  return (await db.prepare('SELECT count(*) AS total FROM cities').first<number>('total')) ?? 0
}

/** Changes the data under the cache, as a census would. */
export async function growCountry(db: D1Database, country: string, by: number): Promise<void> {
  const update = 'UPDATE cities SET population = population + ? WHERE country = ?'
  await db.prepare(update).bind(by, country).run()
}

export async function cityById(db: D1Database, id: number): Promise<City | null> {
  return db.prepare(`SELECT ${COLUMNS} FROM cities WHERE id = ?`).bind(id).first<City>()
}

export async function largestCities(db: D1Database, country: string): Promise<City[]> {
  const query = `SELECT ${COLUMNS} FROM cities WHERE country = ?
    ORDER BY population DESC, id LIMIT 10`
  return (await db.prepare(query).bind(country).all<City>()).results
}

/** The ten cities nearest to a point, by a flat-earth distance that is good enough within a degree. */
export async function citiesNear(db: D1Database, lat: number, lon: number): Promise<City[]> {
  const query = `SELECT ${COLUMNS} FROM cities
    WHERE lat BETWEEN ?1 - 1 AND ?1 + 1 AND lon BETWEEN ?2 - 2 AND ?2 + 2
    ORDER BY (lat - ?1) * (lat - ?1) + (lon - ?2) * (lon - ?2) * ?3, id LIMIT 10`
  return (await db.prepare(query).bind(lat, lon, squeeze(lat)).all<City>()).results
}

/** Counts one run of the factory called `name`, over all isolates, and says which one this is. */
export async function countRun(db: D1Database, name: string): Promise<number> {
  const upsert = `INSERT INTO runs (name, runs) VALUES (?, 1)
    ON CONFLICT (name) DO UPDATE SET runs = runs + 1 RETURNING runs`
  return (await db.prepare(upsert).bind(name).first<number>('runs')) ?? 0
}
