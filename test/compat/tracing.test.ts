import { tracingChannels as bentocacheChannels } from 'bentocache'
import { describe, expect, test } from 'vitest'
import { tracingChannels } from '../../src/index.ts'
import { ours, settle, theirs } from './pair.ts'
import { type AnyCache, type Script, SCRIPTS, type Stacked } from './scripts.ts'

interface Message {
  readonly operation: string
  readonly key?: string
  readonly keys?: readonly string[]
  readonly store: string
  readonly hit?: boolean
  readonly tier?: string
  readonly graced?: boolean
  readonly error?: unknown
}

interface Story {
  readonly lines: readonly string[]
  readonly result: unknown
}

/** What a channel tells while a script runs, line by line, and what its operations gave. */
async function told(
  channel: typeof tracingChannels.cacheOperation,
  script: Script,
  cache: AnyCache,
): Promise<Story> {
  const lines: string[] = []
  const line = (moment: string) => (message: unknown) => {
    const { operation, key, keys, store, hit, tier, graced, error } = message as Message
    const found = hit === undefined ? '' : hit ? `hit ${tier}${graced ? ' graced' : ''}` : 'miss'
    const failure = error instanceof Error ? error.message : ''
    lines.push([moment, operation, key ?? keys, store, found, failure].filter(Boolean).join(' '))
  }
  const subscriber = { start: line('start'), asyncEnd: line('end'), error: line('error') }
  channel.subscribe(subscriber)
  try {
    const result = await script.run(cache, settle)
    await settle()
    return { lines, result }
  } finally {
    channel.unsubscribe(subscriber)
  }
}

/** Where the messages differ on purpose, and what of Bentocache's is then expected. */
const DIFFERENCES: readonly {
  readonly why: string
  applies(script: Script, stack: Stacked): boolean
  expected(lines: readonly string[]): readonly string[]
}[] = [
  {
    why: 'tags are looked up with the entry and deleted in one step: they are no operations of their own',
    applies: ({ name }) => name === 'tags',
    expected: (lines) => lines.filter((line) => !line.includes('___bc:t:')),
  },
  {
    why: 'where isolates share an L2, only L2 gives a value to one who pulls',
    applies: ({ name }, stack) => name.startsWith('pull') && stack === 'L1 and L2',
    expected: (lines) => lines.map((line) => line.replace('hit l1', 'hit l2')),
  },
  {
    why: 'who rides a flight of its own isolate gets the value from there, not from L2',
    applies: ({ name }, stack) => name === 'two callers of one factory' && stack === 'L2 alone',
    expected: (lines) => lines.map((line) => line.replace('hit l2', 'hit l1')),
  },
]

describe.each(['L1 alone', 'L1 and L2', 'L2 alone'] as const)('%s', (stack) => {
  const scripts = SCRIPTS.filter(({ stacks }) => !stacks || stacks.includes(stack))

  test.each(scripts)('the channel tells what Bentocache tells: $name', async (script) => {
    const setup = { stack, grace: script.grace }
    const bentocache = await told(bentocacheChannels.cacheOperation as never, script, theirs(setup))
    const { lines, result } = await told(tracingChannels.cacheOperation, script, ours(setup))
    const expected = DIFFERENCES.filter(({ applies }) => applies(script, stack)).reduce(
      (left, { expected: adjust }) => adjust(left),
      bentocache.lines,
    )
    expect(expected.length).toBeGreaterThan(1)
    const order = (all: readonly string[]): readonly string[] => (script.atOnce ? all.toSorted() : all)
    expect({ lines: order(lines), result }).toEqual({ lines: order(expected), result: bentocache.result })
  })

  test('every message ends once, after it began', async () => {
    for (const script of scripts) {
      const { lines } = await told(tracingChannels.cacheOperation, script, ours({ stack, grace: true }))
      const open = new Map<string, number>()
      for (const line of lines) {
        const [moment, operation, key] = line.split(' ')
        const change = moment === 'start' ? 1 : moment === 'end' ? -1 : 0
        const left = (open.get(`${operation} ${key}`) ?? 0) + change
        expect(left).toBeGreaterThanOrEqual(0)
        open.set(`${operation} ${key}`, left)
      }
      expect([...open.values()].filter((left) => left !== 0)).toEqual([])
    }
  })
})
