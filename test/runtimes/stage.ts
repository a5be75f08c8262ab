/** The servers of the matrix: one Redis behind gateways, one that fails as it is told, and a Durable Object. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { Miniflare } from 'miniflare'
import { type Gateway, startGateway } from '../../bin/gateway.ts'
import { bundleWorker } from '../../examples/support/bundle-worker.ts'
import { type Fault, openFaultyGateway } from '../support/faulty-gateway.ts'
import { openRedis } from '../support/redis-server.ts'
import { openFront } from './patient-front.ts'
import type { Servers } from './world.ts'

/** Databases of Redis: one for each lane of each runtime. The first is the faulty gateway's. */
const DATABASES = 64

export interface Stage {
  /** Servers for one more runtime, with so many lanes. */
  serversFor(lanes: number): Promise<Servers>
  close(): Promise<void>
}

/** A disk in memory, where there is one: an object waits for the disk with each answer, and thousands are made. */
const MEMORY = '/dev/shm'
const TOKEN = 'token-of-the-matrix'
const SECRET = 'secret-of-the-matrix'

export async function openStage(): Promise<Stage> {
  const closing: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const end of closing.toReversed()) await end()
  }
  try {
    const redis = await openRedis()
    closing.push(() => redis.close())
    const faulty = await openFaultyGateway({ redisUrl: redis.url, token: TOKEN })
    closing.push(() => faulty.close())
    const faults = new Map<string, Fault>()
    faulty.fault = ({ path, body }) =>
      [...faults].find(([mark]) => path.includes(mark) || body.includes(mark))?.[1]
    const control = await serveControl(faults)
    closing.push(() => control.close())
    const disk = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'ekiben-matrix-'))
    closing.push(() => rmSync(disk, { recursive: true, force: true }))
    const coordinator = await startCoordinator(disk)
    closing.push(() => coordinator.dispose())
    const front = await openFront(await coordinator.ready)
    closing.push(() => front.close())
    const fixed = {
      faulty: faulty.url,
      closed: await closedAddress(),
      control: urlOf(control),
      token: TOKEN,
      coordinator: front.url,
      secret: SECRET,
      wire: readWire(),
    }
    let database = 0
    const openGateway = async (): Promise<Gateway> => {
      if (++database >= DATABASES) throw new Error(`there are ${DATABASES} databases, and no more lanes`)
      const gateway = await startGateway({ token: TOKEN, redis: `${redis.url}/${database}`, port: 0 })
      closing.push(() => gateway.close())
      return gateway
    }
    return {
      serversFor: async (lanes) => {
        const gateways = await Promise.all(Array.from({ length: lanes }, openGateway))
        return { ...fixed, gateways: gateways.map(({ url }) => url) }
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function startCoordinator(disk: string): Promise<Miniflare> {
  return new Miniflare({
    modules: true,
    script: await bundleWorker('test/workerd/matrix.ts'),
    compatibilityDate: '2026-07-01',
    durableObjects: { COORDINATOR: { className: 'Coordinator', useSQLite: true } },
    bindings: { EKIBEN_SECRET: SECRET },
    resourcePersistencePath: disk,
  })
}

/** Takes what is to go wrong from now on. */
async function serveControl(faults: Map<string, Fault>): Promise<Server> {
  const server = createServer((request, response) => {
    json(request).then(
      (body) => {
        const { mark, fault } = body as { readonly mark: string; readonly fault?: Fault }
        if (fault) faults.set(mark, fault)
        else faults.delete(mark)
        response.end('{}')
      },
      () => response.writeHead(400).end(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A port that was free a moment ago. */
async function closedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = urlOf(server)
  server.close()
  await once(server, 'close')
  return url
}

function readWire(): Record<string, string> {
  const folder = new URL('../wire/', import.meta.url)
  return Object.fromEntries(
    readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]),
  )
}
