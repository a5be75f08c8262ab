import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Coordination, Invalidation, Push } from '../../src/ports.ts'
import { type Listener, listenTo } from './listener.ts'
import { openRemoteStage, type RemoteStage } from './stage.ts'

let stage: RemoteStage

beforeAll(async () => {
  stage = await openRemoteStage()
}, 60_000)

afterAll(() => stage?.close())

const tag = (name: string): Invalidation => ({ kind: 'tag', name, soft: false })

async function listen(coordination: Coordination): Promise<Listener> {
  const listener = listenTo(coordination)
  await listener.heard('open')
  return listener
}

/** Names in the pushes so far; each push must begin where the one before it ended. */
function namesOf(pushes: readonly (Push | undefined)[]): string[] {
  let head = pushes[0]?.after
  return pushes.flatMap((push) => {
    if (!push || push.page.events === 'gap') throw new Error('a push without events')
    expect(push.after).toEqual(head)
    head = push.page.head
    expect(push.page.events.at(-1)?.seq).toBe(head.seq)
    expect(push.page.events[0]?.seq).toBe(push.after.seq + 1)
    return push.page.events.map(({ name }) => name)
  })
}

test('three subscribers are each told of each change once and in order', async () => {
  const coordination = stage.connect({ name: 'one' })
  const { page } = await coordination.pull({})
  const listeners = await Promise.all([1, 2, 3].map(() => listen(coordination)))
  const names = Array.from({ length: 20 }, (_, at) => `tag ${at}`)
  for (const name of names) await coordination.invalidate({ events: [tag(name)] })
  await coordination.invalidate({ events: [tag('a'), tag('b')] })
  for (const { heard, pushes, told, subscription } of listeners) {
    await heard('push', 21)
    expect(namesOf(pushes)).toEqual([...names, 'a', 'b'])
    expect(pushes[0]?.after).toEqual(page.head)
    expect(told.filter((what) => what === 'alive')).toHaveLength(21)
    subscription.close()
  }
})

test('what changes nothing for others is not told', async () => {
  const coordination = stage.connect({ name: 'two' })
  const listener = await listen(coordination)
  const key = { key: 'k', tags: [], namespaces: [] }
  const { lease } = await coordination.read({ ...key, lease: { token: 'A', ttl: 10_000 } })
  const mode = { kind: 'lease', token: 'A', grant: lease!.grant } as const
  const fill = { op: 'fill', version: 'v', payload: 'x', freshFor: null, staleFor: null, mode, ...key }
  expect(await coordination.commit(fill)).toMatchObject({ stored: true })
  await coordination.pull({})
  const set = { ...fill, op: 'set', mode: { kind: 'set' } } as const
  await coordination.commit(set)
  await coordination.commit(set)
  await coordination.take({ ...key, key: 'taken' })
  await listener.heard('push', 2)
  expect(namesOf(listener.pushes)).toEqual(['k', 'taken'])
  listener.subscription.close()
})

test('more events than a page holds are told as a gap, and so are fewer that are long', async () => {
  const coordination = stage.connect({ name: 'two' })
  const listener = await listen(coordination)
  // By RPC, as one call: the driver sends no list as long as that.
  const events = Array.from({ length: 1_001 }, (_, at) => tag(`${at}`))
  await stage.rpc({ name: 'two', operation: 'invalidate', request: { events } })
  await coordination.invalidate({ events: [tag('x'.repeat(300_000))] })
  await coordination.invalidate({ events: [tag('short')] })
  await listener.heard('push', 3)
  const [many, long, short] = listener.pushes
  expect([many?.page.events, long?.page.events]).toEqual(['gap', 'gap'])
  expect(long?.after).toEqual(many?.page.head)
  expect(short).toMatchObject({ after: long?.page.head, page: { events: [{ name: 'short' }] } })
  listener.subscription.close()
})

test('a heartbeat is answered while the object sleeps, and a change wakes it with its subscribers', async () => {
  const coordination = stage.connect({ name: 'one' })
  const listener = await listen(coordination)
  await stage.hibernate('one')
  const built = await stage.built()
  listener.subscription.ping!()
  listener.subscription.ping!()
  await listener.heard('alive', 2)
  expect(listener.pushes).toEqual([])
  expect(await stage.built()).toBe(built)
  await coordination.invalidate({ events: [tag('after sleep')] })
  await listener.heard('push')
  expect(namesOf(listener.pushes)).toEqual(['after sleep'])
  expect(await stage.built()).toBe(built + 1)
  listener.subscription.close()
})

test('a restart of the object ends every subscription once', async () => {
  const coordination = stage.connect({ name: 'two' })
  // One after the other: of sockets that open at once, some outlive the restart in this workerd, deaf
  // (https://github.com/cloudflare/workerd/issues/6862).
  const listeners = [await listen(coordination), await listen(coordination)]
  await stage.crash('two')
  for (const { heard, ends } of listeners) {
    await heard('end')
    expect(ends).toEqual([expect.objectContaining({ code: 'E_STORE' })])
  }
  const again = await listen(coordination)
  await coordination.invalidate({ events: [tag('after restart')] })
  await again.heard('push')
  expect(namesOf(again.pushes)).toEqual(['after restart'])
  again.subscription.close()
  for (const { told } of listeners) expect(told.filter((what) => what === 'end')).toHaveLength(1)
})

test('a closed subscription says nothing more, and the others stay', async () => {
  const coordination = stage.connect({ name: 'one' })
  const [gone, stays] = await Promise.all([listen(coordination), listen(coordination)])
  gone.subscription.close()
  gone.subscription.close()
  gone.subscription.ping!()
  await coordination.invalidate({ events: [tag('one')] })
  await coordination.invalidate({ events: [tag('two')] })
  await stays.heard('push', 2)
  expect(gone.told).toEqual(['open'])
  stays.subscription.close()
})

test('a subscription with a wrong token or name ends without having opened', async () => {
  for (const options of [{ token: 'wrong' }, { name: 'unknown' }]) {
    const listener = listenTo(stage.connect(options))
    await listener.heard('end')
    expect(listener.told).toEqual(['end'])
    expect(String(listener.ends[0])).not.toContain('wrong')
  }
})

test('nothing that is told is lost while subscribers come and go', async () => {
  const coordination = stage.connect({ name: 'one' })
  const steady = await listen(coordination)
  const names: string[] = []
  for (let round = 0; round < 10; round++) {
    const passing = await listen(coordination)
    const events = Array.from({ length: 5 }, (_, at) => `${round}.${at}`)
    names.push(...events)
    await Promise.all(events.map(async (name) => coordination.invalidate({ events: [tag(name)] })))
    await passing.heard('push', 5)
    expect(namesOf(passing.pushes).toSorted()).toEqual(events)
    passing.subscription.close()
    if (round === 5) await stage.hibernate('one')
  }
  await steady.heard('push', 50)
  expect(namesOf(steady.pushes).toSorted()).toEqual(names.toSorted())
  steady.subscription.close()
})
