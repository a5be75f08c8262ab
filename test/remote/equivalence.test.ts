import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Coordination, Cursor } from '../../src/ports.ts'
import { openRemoteStage, type RemoteStage } from './stage.ts'

// The same operations over HTTP on one object and over RPC on another give the same answers.

let stage: RemoteStage

beforeAll(async () => {
  stage = await openRemoteStage()
}, 60_000)

afterAll(() => stage?.close())

type Operation = Exclude<keyof Coordination, 'kind' | 'subscribe'>
type Call = (operation: Operation, request: object) => Promise<unknown>

/** A request, before it names events: the cursors of two objects are never the same. */
interface Step {
  readonly operation: Operation
  readonly request: Readonly<Record<string, unknown>>
  /** Tells the cursor of the last reply. */
  readonly follows: boolean
  readonly mode?: 'lease' | 'free' | 'set' | undefined
}

const texts = fc.constantFrom('a', 'b', 'ä🍱', '__proto__', '', '"\\\n\0', '../x?y#z')
const names = fc.uniqueArray(texts, { maxLength: 3 })
const named = { key: texts, tags: names, namespaces: names }
const event = fc.record({
  kind: fc.constantFrom('key', 'tag', 'namespace'),
  name: texts,
  soft: fc.boolean(),
})
const lease = fc.record({ token: fc.constantFrom('A', 'B'), ttl: fc.constant(60_000) })
const unusable = fc.constantFrom('*', 'v1')
const written = {
  ...named,
  op: fc.constantFrom('1', '2', '3', '4', '5'),
  version: fc.constantFrom('v1', 'v2'),
  freshFor: fc.constantFrom(null, 3_600_000, -1),
  staleFor: fc.constantFrom(null, 7_200_000),
}

function stepOf(operation: Operation, request: Record<string, fc.Arbitrary<unknown>>, mode = false) {
  return fc.record({
    operation: fc.constant(operation),
    request: fc.record(request, {
      requiredKeys: Object.keys(request).filter((key) => !/lease|unus/.test(key)),
    }),
    follows: fc.boolean(),
    mode: mode ? fc.constantFrom('lease' as const, 'free' as const, 'set' as const) : fc.constant(undefined),
  })
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  stepOf('read', { ...named, lease, unusable }),
  stepOf('readMany', {
    reads: fc.array(fc.record({ ...named, unusable }, { requiredKeys: ['key', 'tags', 'namespaces'] }), {
      maxLength: 3,
    }),
    lease,
  }),
  stepOf('take', named),
  stepOf('commit', { ...written, payload: texts }, true),
  stepOf('commit', { ...written, keeps: unusable }, true),
  stepOf(
    'commitMany',
    {
      commits: fc.uniqueArray(
        fc.oneof(fc.record({ ...written, payload: texts }), fc.record({ ...written, keeps: unusable })),
        { maxLength: 3, selector: ({ key }) => key },
      ),
    },
    true,
  ),
  stepOf('release', { key: texts, token: fc.constantFrom('A', 'B') }),
  stepOf('invalidate', { events: fc.array(event, { maxLength: 3 }) }),
  stepOf('pull', {}),
)

/** The answers of one object, with everything random in them replaced by when it first appeared. */
async function play(call: Call, script: readonly Step[], run: number): Promise<unknown[]> {
  const ids = new Map<string, number>()
  const answers: unknown[] = []
  let cursor: Cursor | undefined
  let grant: Cursor | undefined
  const none = { seq: 1, id: 'none' }
  for (const { operation, request, follows, mode } of script) {
    const modes = {
      lease: { kind: 'lease', token: 'A', grant: grant ?? none },
      free: { kind: 'free', since: cursor ?? none },
      set: { kind: 'set' },
    }
    const whole = (one: object): object => ({
      ...one,
      mode: modes[mode ?? 'set'],
      op: `${run} ${String((one as { op?: string }).op)}`,
    })
    const { commits } = request
    const own = Array.isArray(commits) ? { commits: commits.map(whole) } : mode ? whole(request) : {}
    const reply = (await call(operation, { ...request, ...own, ...(follows && { cursor }) })) as {
      readonly page: { readonly head: Cursor }
      readonly lease?: { readonly grant: Cursor }
      readonly entries?: readonly { readonly lease?: { readonly grant: Cursor } }[]
    }
    cursor = reply.page.head
    grant = [reply, ...(reply.entries ?? [])].find((one) => one.lease)?.lease?.grant ?? grant
    const place = (id: string): number => ids.get(id) ?? ids.set(id, ids.size).size
    const plain = JSON.stringify(reply, (field, value: unknown) => {
      if (field === 'id') return place(String(value))
      // The clock went on between two calls.
      return /^(?:freshFor|staleFor|leaseLeft)$/.test(field) && typeof value === 'number'
        ? Math.round(value / 600_000)
        : value
    })
    answers.push({ operation, reply: JSON.parse(plain) })
  }
  return answers
}

test('every operation answers over HTTP what it answers over RPC', async () => {
  const remote = stage.connect({ name: 'one' })
  const overHttp: Call = (operation, request) => remote[operation](request as never)
  const overRpc: Call = (operation, request) => stage.rpc({ name: 'two', operation, request })
  const seen = new Set<Operation>()
  let run = 0
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 20 }), async (script) => {
      run++
      for (const { operation } of script) seen.add(operation)
      const [one, two] = await Promise.all([play(overHttp, script, run), play(overRpc, script, run)])
      expect(one).toEqual(two)
    }),
    { numRuns: 60, seed: 20_261_125 },
  )
  expect([...seen].toSorted()).toEqual([
    'commit',
    'commitMany',
    'invalidate',
    'pull',
    'read',
    'readMany',
    'release',
    'take',
  ])
}, 60_000)

test('a value as large as the driver allows travels whole, whatever is in it', async () => {
  const remote = stage.connect()
  const payload = '\u0001'.repeat(1_900_000)
  const key = { key: 'large', tags: [], namespaces: [] }
  const commit = { op: 'large', version: 'v', payload, freshFor: null, staleFor: null, ...key }
  expect(await remote.commit({ ...commit, mode: { kind: 'set' } })).toMatchObject({ stored: true })
  expect((await remote.read(key)).entry?.payload === payload).toBe(true)
})

test('values as large as the driver allows are written together, in as many calls as it takes', async () => {
  const remote = stage.connect()
  const key = (name: string) => ({ key: name, tags: [], namespaces: [] })
  const life = { freshFor: null, staleFor: null, mode: { kind: 'set' } as const }
  const commits = ['1', '2', '3'].map((name) => ({
    ...key(name),
    ...life,
    op: `large ${name}`,
    version: 'v',
    payload: '\u0001'.repeat(1_900_000),
  }))
  const { page } = await remote.pull({})
  const reply = await remote.commitMany({ commits, cursor: page.head })
  expect(reply.commits.map(({ stored }) => stored)).toEqual([true, true, true])
  expect(reply.page.events).toMatchObject([{ name: '1' }, { name: '2' }, { name: '3' }])
  expect((await remote.read(key('3'))).entry?.payload).toHaveLength(1_900_000)
})
