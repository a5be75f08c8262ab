/** What a scene measured, and what of that it is judged by. */
export interface SceneReport {
  readonly title: string
  readonly figures: Readonly<Record<string, number | string>>
  readonly checks: readonly Check[]
}

/** One figure and its bounds. A premise is what must be so for the scene to show anything. */
export interface Check {
  readonly kind: 'bound' | 'premise'
  readonly what: string
  readonly measured: number
  readonly least?: number
  readonly most?: number
}

export function holds({ measured, least = -Infinity, most = Infinity }: Check): boolean {
  return measured >= least && measured <= most
}

export function bound(what: string, measured: number, limits: Pick<Check, 'least' | 'most'>): Check {
  return { kind: 'bound', what, measured, ...limits }
}

export function premise(what: string, measured: number, limits: Pick<Check, 'least' | 'most'>): Check {
  return { kind: 'premise', what, measured, ...limits }
}

/** The least value that so many of a hundred values do not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return round(sorted[Math.max(0, Math.ceil((share / 100) * sorted.length) - 1)] ?? Number.NaN)
}

/** Median, 99th percentile and largest of some waits. */
export function spread(name: string, values: readonly number[]): Record<string, number> {
  return {
    [`${name}, p50`]: percentile(values, 50),
    [`${name}, p99`]: percentile(values, 99),
    [`${name}, max`]: percentile(values, 100),
  }
}

export function round(ms: number): number {
  return Math.round(ms * 10) / 10
}

/** A scene for reading. */
export function printable({ title, figures, checks }: SceneReport): string {
  const rows = Object.entries(figures)
  const width = Math.max(...rows.map(([name]) => name.length))
  return [
    title,
    ...rows.map(([name, figure]) => `  ${name.padEnd(width)}  ${figure}`),
    ...checks.map((check) => `  ${holds(check) ? 'ok  ' : 'MISS'}  ${sentence(check)}`),
  ].join('\n')
}

export function sentence({ kind, what, measured, least, most }: Check): string {
  const limits =
    least === most
      ? `exactly ${least}`
      : [
          least === undefined ? '' : `at least ${round(least)}`,
          most === undefined ? '' : `at most ${round(most)}`,
        ]
          .filter((limit) => limit !== '')
          .join(', ')
  return `${kind}: ${what}: ${round(measured)} (${limits})`
}
