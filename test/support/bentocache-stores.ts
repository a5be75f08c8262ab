import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { dynamoDbDriver } from 'bentocache/drivers/dynamodb'
import { fileDriver } from 'bentocache/drivers/file'
import { knexDriver } from 'bentocache/drivers/knex'
import { kyselyDriver } from 'bentocache/drivers/kysely'
import { orchidDriver } from 'bentocache/drivers/orchid'
import { redisDriver } from 'bentocache/drivers/redis'
import dynalite from 'dynalite'
import { Redis } from 'ioredis'
import { createDb } from 'orchid-orm'
import type { CreateDriverResult } from '../../src/ports.ts'
import { BasedDriver, PlainDriver } from './own-drivers.ts'
import { openRedis } from './redis-server.ts'
import { openKnex, openKysely } from './sqlite-clients.ts'

/** An empty store, and a driver for each process that uses it. */
export interface ForeignStore {
  driver(): CreateDriverResult
  /** How many entries lie in it, dead ones too, where the driver is what takes those away. */
  count?(): Promise<number> | number
}

/** What keeps such stores. */
export interface ForeignServer {
  /** The empty store of that number. */
  open(place: number): ForeignStore | Promise<ForeignStore>
  stop?(): unknown
}

/** Drivers that were not written for this cache, as they are, each over what it is really used with. */
export const FOREIGN: Readonly<Record<string, () => ForeignServer | Promise<ForeignServer>>> = {
  'bentocache/drivers/redis': async () => {
    const server = await openRedis()
    return {
      open: (db) => ({ driver: () => redisDriver({ connection: { port: server.port, db } }) }),
      stop: () => server.close(),
    }
  },
  'bentocache/drivers/redis, given a connection': async () => {
    const server = await openRedis()
    return {
      open: (db) => ({ driver: () => redisDriver({ connection: new Redis(server.port, { db }) }) }),
      stop: () => server.close(),
    }
  },
  'bentocache/drivers/file': () =>
    inFolder((directory) => ({
      driver: () => fileDriver({ directory, pruneInterval: '1h' }),
      count: () =>
        readdirSync(directory, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).length,
    })),
  'bentocache/drivers/kysely': () =>
    inFolder((path) => ({
      driver: () => kyselyDriver({ connection: openKysely(path), pruneInterval: '1h' }),
      count: async () => {
        const connection = openKysely(path)
        const rows = await connection.selectFrom('bentocache').select('key').execute()
        await connection.destroy()
        return rows.length
      },
    })),
  'bentocache/drivers/knex': () =>
    inFolder((path) => ({
      driver: () => knexDriver({ connection: openKnex(path), pruneInterval: '1h' }),
      count: async () => {
        const connection = openKnex(path)
        const rows: unknown[] = await connection.from('bentocache').select('key')
        await connection.destroy()
        return rows.length
      },
    })),
  'bentocache/drivers/orchid': async () => {
    const db = await PGlite.create()
    const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0, maxConnections: 50 })
    await server.start()
    const databaseURL = `postgres://postgres@${server.getServerConn()}/postgres?ssl=false`
    return {
      open: (place) => ({
        driver: () =>
          orchidDriver({
            connection: createDb({ databaseURL, max: 1 }),
            tableName: `cache_${place}`,
            pruneInterval: '1h',
          }),
        count: async () => (await db.query(`SELECT 1 FROM cache_${place}`)).rows.length,
      }),
      stop: async () => {
        await server.stop()
        await db.close()
      },
    }
  },
  'bentocache/drivers/dynamodb': async () => {
    const server = dynalite({ createTableMs: 0 })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const credentials = { accessKeyId: 'none', secretAccessKey: 'none' }
    const connection = { region: 'local', endpoint: `http://127.0.0.1:${port}`, credentials }
    const admin = new DynamoDBClient(connection)
    return {
      open: async (place) => {
        const name = `cache_${place}`
        const key = { AttributeName: 'key' }
        await admin.send(
          new CreateTableCommand({
            TableName: name,
            KeySchema: [{ ...key, KeyType: 'HASH' }],
            AttributeDefinitions: [{ ...key, AttributeType: 'S' }],
            BillingMode: 'PAY_PER_REQUEST',
          }),
        )
        return { driver: () => dynamoDbDriver({ ...connection, table: { name } }) }
      },
      stop: () => {
        admin.destroy()
        server.close()
      },
    }
  },
  'a class on BaseDriver': () => ({
    open: () => {
      const texts = new Map<string, string>()
      return {
        driver: () => ({
          options: {},
          factory: ({ prefix }) => new BasedDriver({ ...(prefix ? { prefix } : {}), texts }),
        }),
      }
    },
  }),
  'a plain class': () => ({
    open: () => {
      const texts = new Map<string, string | null>()
      return {
        driver: () => ({ options: {}, factory: ({ prefix }) => new PlainDriver(`${prefix}:`, texts) }),
      }
    },
  }),
}

/** Stores that are a file or a folder. */
function inFolder(open: (path: string) => ForeignStore): ForeignServer {
  const folder = mkdtempSync(join(tmpdir(), 'ekiben-foreign-'))
  return {
    open: (place) => open(join(folder, String(place))),
    stop: () => rmSync(folder, { recursive: true }),
  }
}
