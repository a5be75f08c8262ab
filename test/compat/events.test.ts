import { EventEmitter } from 'node:events'
import { describe, expect, test } from 'vitest'
import { ours, type Setup, settle, theirs } from './pair.ts'
import { type AnyCache, type Script, SCRIPTS, type Stacked } from './scripts.ts'

const NAMES = [
  'cache:hit',
  'cache:miss',
  'cache:written',
  'cache:deleted',
  'cache:expire',
  'cache:cleared',
  'bus:message:published',
  'bus:message:received',
] as const

type Event = readonly [(typeof NAMES)[number], Readonly<Record<string, unknown>>]

/** All events of a script, in their order, through an emitter of the user's own. */
async function eventsOf(script: Script, setup: Setup, make: (setup: Setup) => AnyCache): Promise<Event[]> {
  const emitter = new EventEmitter()
  const told: Event[] = []
  for (const name of NAMES) emitter.on(name, (payload: Event[1]) => told.push([name, { ...payload }]))
  await script.run(make({ ...setup, more: { emitter } }), settle)
  await settle()
  return told
}

/** Where events differ on purpose, and what of Bentocache's is then expected. */
const DIFFERENCES: readonly {
  readonly why: string
  applies(script: Script, stack: Stacked): boolean
  expected(event: Event, at: number, all: readonly Event[]): readonly Event[]
}[] = [
  {
    why: 'tags are no keys, so nothing is told of them',
    applies: ({ name }) => name === 'tags',
    expected: (event) => (String(event[1]['key']).startsWith('___bc:t:') ? [] : [event]),
  },
  {
    why: '`get` tells the layer a value came from; Bentocache tells `l1` of each fresh one',
    applies: (_, stack) => stack === 'L2 alone',
    expected: ([name, payload]) => [
      name === 'cache:hit' ? [name, { ...payload, layer: 'l2' }] : [name, payload],
    ],
  },
  {
    why: 'a graced value is told as it is, and from where it is; Bentocache tells its text, and `l2`',
    applies: ({ name }) => name === 'an expired value, read',
    expected: ([name, payload]) => [
      name === 'cache:hit' ? [name, { ...payload, value: 1, layer: expect.any(String) }] : [name, payload],
    ],
  },
  {
    why: 'a pull of nothing deletes nothing, and where isolates share an L2 it is L2 that gives the value',
    applies: ({ name }) => name.startsWith('pull'),
    expected: (event, at, all) => {
      const [name, payload] = event
      if (name === 'cache:hit') return [[name, { ...payload, layer: expect.any(String) }]]
      return name === 'cache:deleted' && at === all.length - 1 ? [] : [event]
    },
  },
  {
    why: 'who rides a flight of its own isolate is told from L1, the memory the value was made in',
    applies: ({ name }, stack) => name === 'two callers of one factory' && stack === 'L2 alone',
    expected: ([name, payload]) => [
      name === 'cache:hit' ? [name, { ...payload, layer: 'l1' }] : [name, payload],
    ],
  },
]

describe.each(['L1 alone', 'L1 and L2', 'L2 alone'] as const)('%s', (stack) => {
  const scripts = SCRIPTS.filter(({ stacks }) => !stacks || stacks.includes(stack))

  test.each(scripts)('tells the events that Bentocache tells, with their payloads: $name', async (script) => {
    const setup = { stack, grace: script.grace }
    const bentocache = await eventsOf(script, setup, theirs)
    const told = await eventsOf(script, setup, ours)
    const expected = DIFFERENCES.filter(({ applies }) => applies(script, stack)).reduce<readonly Event[]>(
      (events, difference) => events.flatMap((...event) => difference.expected(...event)),
      bentocache,
    )
    const order = (events: readonly Event[]): readonly unknown[] =>
      script.atOnce ? events.map(([name, payload]) => named(name, payload)).toSorted() : events
    expect(order(told)).toEqual(order(expected))
  })
})

/** An event as text, whatever the order of its fields. */
function named(name: string, payload: Event[1]): string {
  const fields = Object.keys(payload).toSorted()
  return [name, ...fields.map((field) => `${field}=${JSON.stringify(payload[field])}`)].join(' ')
}
