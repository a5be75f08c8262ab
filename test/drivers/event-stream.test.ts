import { expect, test } from 'vitest'
import { listen, type Open } from '../../drivers/redis-protocol/event-stream.ts'
import type { Subscriber } from '../../src/ports.ts'

const NEWS = '{"after":{"seq":1,"id":"a"},"head":{"seq":2,"id":"b"},"events":["-k:\u{1f371}"]}'

/** What a listener to channel `c` hears of a stream that comes in these parts. */
async function heard(parts: readonly Uint8Array[] | null): Promise<string[]> {
  const told: string[] = []
  const open: Open = async () =>
    new Response(
      parts &&
        new ReadableStream({
          start: (controller) => {
            for (const part of parts) controller.enqueue(part)
            controller.close()
          },
        }),
    )
  await new Promise<void>((resolve) => {
    const subscriber: Subscriber = {
      onOpen: () => told.push('open'),
      onAlive: (within) => within !== undefined && told.push(`alive within ${within}`),
      onPush: (push) => told.push(push ? JSON.stringify(push.page.events) : 'unclear'),
      onEnd: (error) => {
        told.push(error ? String((error as { code?: string }).code) : 'end')
        resolve()
      },
    }
    listen(open, 'c', subscriber)
  })
  return told
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const STREAM = [
  ': heartbeat 50',
  '',
  'data: subscribe,c,1',
  '',
  `data: message,other,${NEWS}`,
  `data: message,c,${NEWS}`,
]
const EVENTS = '[{"seq":2,"kind":"key","name":"\u{1f371}","soft":false}]'

test.each(['\n', '\r\n'])('lines end in %j, wherever a part of the stream ends', async (end) => {
  const all = bytes(STREAM.join(end) + end)
  const told = ['alive within 50', 'open', EVENTS, 'end']
  expect(await heard([all])).toEqual(told)
  expect(await heard(Array.from(all, (byte) => Uint8Array.of(byte)))).toEqual(told)
})

test('the space after the colon may be missing', async () => {
  expect(await heard([bytes(STREAM.join('\n').replaceAll('data: ', 'data:') + '\n')])).toEqual([
    'alive within 50',
    'open',
    EVENTS,
    'end',
  ])
})

test('what is no news is told as a reason to ask', async () => {
  expect(await heard([bytes('data: message,c,nothing\n')])).toEqual(['unclear', 'end'])
})

test('an answer without a stream is a failure by name', async () => {
  expect(await heard(null)).toEqual(['E_STORE'])
})
