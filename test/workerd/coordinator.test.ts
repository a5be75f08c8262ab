import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { durableObjectDriver } from '../../drivers/durable-object.ts'
import type { CommitRequest } from '../../src/ports.ts'
import type { Coordinator } from '../../workers/coordinator.ts'

type Stub = DurableObjectStub<Coordinator>

/** Objects of their own, so that tests share nothing. */
let count = 0
function openObject(): Stub {
  return env.COORDINATOR.get(env.COORDINATOR.idFromName(`test ${++count}`))
}

/** Sets the clock of entries and leases, which only a subclass may replace otherwise. */
async function setClock(stub: Stub, now: number): Promise<void> {
  await runInDurableObject(stub, (instance) => {
    Object.defineProperty(instance, 'now', { value: () => now, configurable: true })
  })
}

async function alarmOf(stub: Stub): Promise<number | null> {
  return runInDurableObject(stub, (_, state) => state.storage.getAlarm())
}

async function rowsOf(stub: Stub, table: string): Promise<number> {
  return runInDurableObject(stub, (_, state) => {
    return state.storage.sql.exec(`SELECT * FROM ${table}`).toArray().length
  })
}

function set(key: string, payload: string, more: Partial<CommitRequest> = {}): CommitRequest {
  return {
    op: crypto.randomUUID(),
    key,
    version: crypto.randomUUID(),
    payload,
    freshFor: 60_000,
    staleFor: 600_000,
    mode: { kind: 'set' },
    tags: [],
    namespaces: [],
    ...more,
  }
}

/**
 * The message of a call that must fail. It is caught inside the object: a rejection that crosses the test pool's RPC
 * also counts as unhandled there (https://github.com/cloudflare/workers-sdk/issues/14736).
 */
async function failureOf(stub: Stub, call: (instance: Coordinator) => Promise<unknown>): Promise<string> {
  return runInDurableObject(stub, async (instance: Coordinator) =>
    call(instance).then(
      () => 'did not fail',
      (error: unknown) => (error as Error).message,
    ),
  )
}

const NONE = { tags: [], namespaces: [] }

test('an entry, its lease and its invalidation travel over RPC', async () => {
  const object = openObject()
  const first = await object.read({ key: 'k', ...NONE, lease: { token: 'A', ttl: 10_000 } })
  expect(first.entry).toBeUndefined()
  const { grant } = first.lease!
  const second = await object.read({ key: 'k', ...NONE, lease: { token: 'B', ttl: 10_000 } })
  expect(second.lease).toBeUndefined()
  expect(second.leaseLeft).toBeGreaterThan(0)
  const mode = { kind: 'lease', token: 'A', grant } as const
  expect(await object.commit(set('k', 'one', { mode, tags: ['t'] }))).toMatchObject({ stored: true })
  expect(await object.read({ key: 'k', ...NONE, cursor: grant })).toMatchObject({
    entry: { payload: 'one', tags: ['t'] },
    page: { events: [] },
  })
  const { existed, page } = await object.invalidate({
    events: [{ kind: 'tag', name: 't', soft: false }],
    cursor: grant,
  })
  expect([existed, page.events]).toEqual([0, [{ kind: 'tag', name: 't', soft: false, seq: grant.seq + 1 }]])
  const { entries } = await object.readMany({ reads: [{ key: 'k', ...NONE }] })
  expect(entries[0]?.entry).toBeUndefined()
})

test('many leases, many commits and what is kept travel over RPC', async () => {
  const object = openObject()
  const reads = ['1', '2', '3'].map((key) => ({ key, ...NONE }))
  const { entries, page } = await object.readMany({ reads, lease: { token: 'A', ttl: 10_000 } })
  const modes = entries.map(({ lease }) => ({ kind: 'lease', token: 'A', grant: lease!.grant }) as const)
  await object.invalidate({ events: [{ kind: 'key', name: '2', soft: false }] })
  const commits = reads.map(({ key }, at) => set(key, key, { mode: modes[at]! }))
  const reply = await object.commitMany({ commits, cursor: page.head })
  expect(reply.commits.map(({ stored }) => stored)).toEqual([true, false, true])
  expect(reply.page.events).toMatchObject([{ name: '2' }])
  const { payload: _payload, ...kept } = set('1', '', { staleFor: 1000, freshFor: 1000 })
  expect(await object.commit({ ...kept, keeps: '*' })).toMatchObject({ stored: true })
  const read = await object.read({ key: '1', ...NONE })
  expect(read.entry?.payload).toBe('1')
  expect(read.staleFor).toBeLessThanOrEqual(1000)
  expect(await object.commit({ ...kept, op: 'other', keeps: 'another version' })).toMatchObject({
    stored: false,
  })
  const twice = [set('4', '', {}), set('4', '', {})]
  expect(await failureOf(object, async (instance) => instance.commitMany({ commits: twice }))).toMatch(
    /each key once/,
  )
  expect(await object.stats()).toMatchObject({
    calls: { readMany: 1, commitMany: 2, commit: 2 },
    commitsRefused: 2,
  })
})

test('one of many that miss at once gets the lease', async () => {
  const object = openObject()
  const tokens = Array.from({ length: 16 }, (_, index) => `${index}`)
  const replies = await Promise.all(
    tokens.map((token) => object.read({ key: 'k', ...NONE, lease: { token, ttl: 10_000 } })),
  )
  expect(replies.filter(({ lease }) => lease)).toHaveLength(1)
  expect(await object.stats()).toMatchObject({ calls: { read: 16 }, leasesGranted: 1, generations: 1 })
  await object.resetStats()
  expect(await object.stats()).toMatchObject({ calls: { read: 0 }, leasesGranted: 0 })
})

test('hundreds of tags, keys and odd names fit the SQL of the platform', async () => {
  const object = openObject()
  const names = [
    ...Array.from({ length: 250 }, (_, index) => `${index}`),
    'a\0',
    'a\0b',
    '🍱',
    "'",
    '"',
    '\\',
  ]
  for (const key of names) await object.commit(set(key, `value of ${key}`, { tags: names }))
  const reads = names.map((key) => ({ key, tags: names, namespaces: [] }))
  const before = await object.readMany({ reads })
  expect(before.entries.map(({ entry }) => entry?.payload)).toEqual(names.map((key) => `value of ${key}`))
  expect(before.entries[0]?.entry?.tags).toEqual(names)
  const events = names.map((name) => ({ kind: 'tag', name, soft: true }) as const)
  await object.invalidate({ events })
  const after = await object.readMany({ reads })
  expect(after.entries.every(({ entry, stale }) => entry && stale)).toBe(true)
  const keys = names.map((name) => ({ kind: 'key', name, soft: false }) as const)
  expect((await object.invalidate({ events: keys })).existed).toBe(names.length)
})

test('a value as large as the driver allows is stored beside many tags, a larger one leaves nothing', async () => {
  const object = openObject()
  const driver = durableObjectDriver({ binding: env.COORDINATOR }).factory({})
  const tags = Array.from({ length: 500 }, (_, index) => `tag ${index}`)
  const largest = 'x'.repeat(driver.limits!.maxValueBytes!)
  expect(await object.commit(set('k'.repeat(2_048), largest, { tags }))).toMatchObject({ stored: true })
  const { page } = await object.pull({})
  const tooLarge = set('l', 'x'.repeat(2_500_000), { tags: ['new'] })
  expect(await failureOf(object, async (instance) => instance.commit(tooLarge))).toMatch(/TOOBIG/)
  expect((await object.pull({})).page.head).toEqual(page.head)
  expect(await rowsOf(object, 'epochs')).toBe(500)
})

test('eviction keeps entries, leases, epochs and the journal', async () => {
  const object = openObject()
  const cursor = (await object.commit(set('k', 'one', { tags: ['t'], namespaces: ['', 'a'] }))).page.head
  const asked = { key: 'l', tags: ['t'], namespaces: [''], lease: { token: 'A', ttl: 60_000 } }
  const { lease } = await object.read(asked)
  await evictDurableObject(object)
  expect(await object.read({ key: 'k', ...NONE, cursor })).toMatchObject({
    entry: { payload: 'one' },
    page: { head: cursor, events: [] },
  })
  expect((await object.read(asked)).lease).toEqual(lease)
  const mode = { kind: 'lease', token: 'A', grant: lease!.grant } as const
  expect(await object.commit(set('l', 'two', { mode, tags: ['t'] }))).toMatchObject({ stored: true })
  expect((await object.stats()).calls).toMatchObject({ read: 2, commit: 1 })
})

test('the alarm prunes what expired and rests when nothing is left', async () => {
  const object = openObject()
  const start = 1_800_000_000_000
  await setClock(object, start)
  for (let index = 0; index < 5; index++) await object.commit(set(`${index}`, 'x', { tags: ['t'] }))
  await object.read({ key: 'missing', ...NONE, lease: { token: 'A', ttl: 10_000 } })
  await setClock(object, start + 600_000)
  expect(await runDurableObjectAlarm(object)).toBe(true)
  const tables = ['entries', 'leases', 'answers', 'epochs']
  expect(await Promise.all(tables.map((table) => rowsOf(object, table)))).toEqual([0, 0, 0, 1])
  await setClock(object, start + 600_000 + 3_600_000)
  expect(await runDurableObjectAlarm(object)).toBe(true)
  expect(await rowsOf(object, 'epochs')).toBe(0)
  expect(await alarmOf(object)).toBeNull()
})

test('a large backlog is pruned in bounded steps that follow at once', async () => {
  const object = openObject()
  const start = 1_800_000_000_000
  await setClock(object, start)
  for (let index = 0; index < 300; index++) await object.commit(set(`${index}`, 'x'))
  await setClock(object, start + 600_000)
  await runInDurableObject(object, (_, state) => state.storage.setAlarm(Date.now() + 1e9))
  expect(await runDurableObjectAlarm(object)).toBe(true)
  const left = (await rowsOf(object, 'entries')) + (await rowsOf(object, 'answers'))
  expect(left).toBeLessThanOrEqual(100)
  await runDurableObjectAlarm(object)
  expect((await rowsOf(object, 'entries')) + (await rowsOf(object, 'answers'))).toBe(0)
})

test('an alarm is set by the first write that expires and left alone by those that follow', async () => {
  const object = openObject()
  await object.read({ key: 'k', ...NONE })
  await object.pull({})
  expect(await alarmOf(object)).toBeNull()
  await object.commit(set('k', 'one'))
  const first = await alarmOf(object)
  expect(first).toBeGreaterThan(Date.now())
  for (const key of ['1', '2', '3']) await object.commit(set(key, 'x', { staleFor: 1 }))
  expect(await alarmOf(object)).toBe(first)
  await evictDurableObject(object)
  await object.commit(set('4', 'x', { staleFor: 1 }))
  expect(await alarmOf(object)).toBe(first)
})

test('an alarm far away is brought forward', async () => {
  const object = openObject()
  await runInDurableObject(object, (_, state) => state.storage.setAlarm(Date.now() + 86_400_000))
  await object.commit(set('k', 'one'))
  expect(await alarmOf(object)).toBeLessThan(Date.now() + 600_000)
})

test('a step that fails leaves nothing of itself', async () => {
  const object = openObject()
  const { page } = await object.commit(set('k', 'one'))
  await runInDurableObject(object, (_, state) => {
    state.storage.sql.exec(
      `CREATE TRIGGER full BEFORE INSERT ON answers BEGIN SELECT RAISE(ABORT, 'disk full'); END`,
    )
  })
  const doomed = set('k', 'two', { tags: ['t'] })
  expect(await failureOf(object, async (instance) => instance.commit(doomed))).toMatch(/disk full/)
  expect(await object.read({ key: 'k', ...NONE })).toMatchObject({
    entry: { payload: 'one' },
    page: { head: page.head },
  })
  expect(await rowsOf(object, 'epochs')).toBe(0)
})

test('a malformed request is refused with a message that tells the field and not the value', async () => {
  const object = openObject()
  const request = { key: 'secret', tags: 'secret', namespaces: [] } as unknown as {
    key: string
  } & typeof NONE
  expect(await failureOf(object, async (instance) => instance.read(request))).toBe(
    'Invalid tags: received string, expected a list',
  )
})

test('HTTP is refused whatever is asked', async () => {
  const object = openObject()
  for (const method of ['GET', 'POST', 'DELETE']) {
    const response = await object.fetch('https://coordinator/read', { method })
    expect(response.status).toBe(404)
    expect(await response.text()).not.toContain('k')
  }
  expect(await rowsOf(object, 'journal')).toBe(0)
})

test('the driver speaks to the object through the binding or a function', async () => {
  const direct = durableObjectDriver({ binding: env.COORDINATOR, name: 'driver' }).factory({ prefix: 'p' })
  const lazy = durableObjectDriver({ binding: () => env.COORDINATOR, name: 'driver' }).factory({
    prefix: 'p',
  })
  expect(await direct.set('k', 'x', 60_000)).toBe(true)
  expect(await lazy.get('k')).toBe('x')
  const child = lazy.namespace('a')
  await child.set('k', 'y')
  expect(await direct.get('a:k')).toBe('y')
  await direct.namespace('a').clear()
  expect(await child.get('k')).toBeUndefined()
  expect(await lazy.pull('k')).toBe('x')
  expect(await direct.delete('k')).toBe(false)
  await lazy.prune!()
})

// Rows written are what a Durable Object is billed for; each index counts. Measured, not derived.
test('the rows an operation writes stay what they cost', async () => {
  const object = openObject()
  const cost = await runInDurableObject(object, async (instance: Coordinator, state) => {
    const { sql } = state.storage
    const exec = sql.exec.bind(sql)
    let written = 0
    Object.defineProperty(sql, 'exec', {
      configurable: true,
      value: (...query: Parameters<typeof exec>) => {
        const cursor = exec(...query)
        const rows = cursor.toArray()
        written += cursor.rowsWritten
        return { toArray: () => rows }
      },
    })
    const measure = async (run: () => Promise<unknown>): Promise<number> => {
      written = 0
      await run()
      return written
    }
    const names = { tags: ['t'], namespaces: [''] }
    const read = async () => instance.read({ key: 'k', ...names, lease: { token: 'A', ttl: 10_000 } })
    await instance.pull({})
    const miss = await measure(read)
    const { lease } = await read()
    const mode = { kind: 'lease', token: 'A', grant: lease!.grant } as const
    return {
      miss,
      fill: await measure(async () => instance.commit(set('k', 'x', { mode, ...names }))),
      hit: await measure(read),
      set: await measure(async () => instance.commit(set('k', 'x', names))),
      deleteByTag: await measure(async () =>
        instance.invalidate({ events: [{ kind: 'tag', name: 't', soft: false }] }),
      ),
      pull: await measure(async () => instance.pull({})),
    }
  })
  expect(cost).toEqual({ miss: 6, fill: 6, hit: 0, set: 5, deleteByTag: 2, pull: 0 })
})
