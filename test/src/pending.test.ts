import { expect, test, vi } from 'vitest'
import { holdPending } from '../../src/pending.ts'

function work(): { readonly promise: Promise<void>; end(): void } {
  let end = (): void => {}
  const promise = new Promise<void>((resolve) => (end = resolve))
  return { promise, end }
}

test('work that begins while others are waited for is waited for as well', async () => {
  const pending = holdPending()
  const [first, second] = [work(), work()]
  pending.add(first.promise.then(() => pending.add(second.promise)))
  const settled = vi.fn()
  const waiting = pending.settled().then(settled)
  first.end()
  await new Promise((resolve) => setImmediate(resolve))
  expect(settled).not.toHaveBeenCalled()
  second.end()
  await waiting
})

test('what is done is no longer held, so a second wait is over at once', async () => {
  const pending = holdPending()
  const begun = work()
  pending.add(begun.promise)
  begun.end()
  await pending.settled()
  const settled = vi.fn()
  pending.settled().then(settled, settled)
  await Promise.resolve().then(() => {})
  expect(settled).toHaveBeenCalled()
})

test('each piece of work is told of', () => {
  const begun = vi.fn()
  const pending = holdPending(begun)
  pending.add(Promise.resolve())
  pending.add(Promise.resolve())
  expect(begun).toHaveBeenCalledTimes(2)
})
