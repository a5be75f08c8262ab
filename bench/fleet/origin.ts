import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Made } from './messages.ts'

/** One run of a factory, seen from outside the isolates. Moments of the wall clock. */
export interface Run {
  readonly started: number
  /** When the connection was closed before the answer. */
  abandoned: number | undefined
}

/** Where factories get their values: it counts them, and answers as slowly as it is asked to. */
export interface Origin {
  readonly url: string
  runs(key: string): readonly Run[]
  /** From now on factories of the key get the next version. Gives its number. */
  publish(key: string): number
  close(): Promise<void>
}

export async function openOrigin(): Promise<Origin> {
  const runs = new Map<string, Run[]>()
  const versions = new Map<string, number>()

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://origin')
    const key = decodeURIComponent(pathname.slice(1))
    const run: Run = { started: Date.now(), abandoned: undefined }
    const ofKey = runs.get(key) ?? []
    runs.set(key, ofKey)
    const made: Omit<Made, 'took'> = { version: versions.get(key) ?? 1, run: ofKey.push(run) }
    answer(response, run, { made, ms: Number(searchParams.get('ms')) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    runs: (key) => runs.get(key) ?? [],
    publish: (key) => {
      const next = (versions.get(key) ?? 1) + 1
      versions.set(key, next)
      return next
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function answer(response: ServerResponse, run: Run, { made, ms }: { made: object; ms: number }): void {
  const timer = setTimeout(() => response.end(JSON.stringify(made)), ms)
  response.on('close', () => {
    clearTimeout(timer)
    if (!response.writableFinished) run.abandoned = Date.now()
  })
}
