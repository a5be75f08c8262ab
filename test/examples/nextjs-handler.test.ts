import type { CacheEntry } from 'next/cache.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import handler from '../../examples/nextjs/cache/use-cache-handler.ts'

/** The contract that Next calls, with what a browser or a build cannot bring about. */
describe("the handler for 'use cache'", () => {
  let name = 0
  const key = (): string => `["fn",["${(name += 1)}"]]`
  const now = (): number => performance.timeOrigin + performance.now()

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function stream(...chunks: readonly string[]): ReadableStream<Uint8Array> {
    return new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk))
        controller.close()
      },
    })
  }

  function entry(more: Partial<CacheEntry> = {}): CacheEntry {
    const life = { stale: 60, revalidate: 600, expire: 3600 }
    return { value: stream('rice'), tags: [], timestamp: now(), ...life, ...more }
  }

  const set = (at: string, more?: Partial<CacheEntry>): Promise<void> =>
    handler.set(at, Promise.resolve(entry(more)))

  async function read(
    at: string,
    softTags: string[] = [],
  ): Promise<[text: string, revalidate: number] | undefined> {
    const found = await handler.get(at, softTags)
    return found && [await new Response(found.value).text(), found.revalidate]
  }

  it('gives nothing for what it does not have', async () => {
    expect(await handler.get(key(), ['_N_T_/'])).toBeUndefined()
  })

  it('gives every reader a stream of its own, with all bytes and all that Next has said of it', async () => {
    const at = key()
    const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 256)
    const value = new Blob([bytes.subarray(0, 100_000), bytes.subarray(100_000)]).stream()
    const { value: _value, ...about } = entry({ tags: ['menus'] })
    await handler.set(at, Promise.resolve({ ...about, value }))
    const [first, second] = await Promise.all([handler.get(at, []), handler.get(at, [])])
    expect(first).toMatchObject(about)
    for (const found of [first, second]) {
      expect(Buffer.from(await new Response(found?.value).arrayBuffer()).equals(bytes)).toBe(true)
    }
  })

  it('keeps what is past its revalidation, for Next to serve, and lets go of it at its end', async () => {
    const at = key()
    await set(at, { revalidate: 10, expire: 100 })
    await vi.advanceTimersByTimeAsync(50_000)
    expect(await read(at)).toEqual(['rice', 10])
    await vi.advanceTimersByTimeAsync(51_000)
    expect(await read(at)).toBeUndefined()
  })

  it('counts the life of an entry from when it was begun', async () => {
    const at = key()
    await set(at, { timestamp: now() - 90_000, expire: 100 })
    expect(await read(at)).toBeDefined()
    await vi.advanceTimersByTimeAsync(11_000)
    expect(await read(at)).toBeUndefined()
  })

  it.each([0, -1])('does not keep what Next may never serve: expire %s', async (expire) => {
    const at = key()
    await set(at, { revalidate: 0, expire })
    expect(await read(at)).toBeUndefined()
  })

  it('serves nothing that bears a tag which was updated', async () => {
    const [at, other] = [key(), key()]
    await set(at, { tags: ['a1', 'both1'] })
    await set(other, { tags: ['b1', 'both1'] })
    await handler.updateTags(['a1'])
    expect(await read(at)).toBeUndefined()
    expect(await read(other)).toEqual(['rice', 600])
    await vi.advanceTimersByTimeAsync(1)
    await set(at, { tags: ['a1', 'both1'] })
    expect(await read(at)).toEqual(['rice', 600])
  })

  it('gives what was revalidated by a profile as stale, until the profile ends', async () => {
    const at = key()
    await set(at, { tags: ['a2'] })
    await handler.updateTags(['a2'], { expire: 30 })
    expect(await read(at)).toEqual(['rice', -1])
    await vi.advanceTimersByTimeAsync(29_000)
    expect(await read(at)).toEqual(['rice', -1])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await read(at)).toBeUndefined()
  })

  it('gives it as stale to its own end where the profile names none', async () => {
    const at = key()
    await set(at, { tags: ['a3'], expire: 300 })
    await handler.updateTags(['a3'], {})
    await vi.advanceTimersByTimeAsync(299_000)
    expect(await read(at)).toEqual(['rice', -1])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await read(at)).toBeUndefined()
  })

  it('is fresh again once it was made anew', async () => {
    const at = key()
    await set(at, { tags: ['a4'] })
    await handler.updateTags(['a4'], { expire: 30 })
    await vi.advanceTimersByTimeAsync(1)
    await set(at, { tags: ['a4'], value: stream('noodles') })
    expect(await read(at)).toEqual(['noodles', 600])
    await vi.advanceTimersByTimeAsync(31_000)
    expect(await read(at)).toEqual(['noodles', 600])
  })

  it('looks at soft tags for whoever reads by them', async () => {
    const at = key()
    await set(at)
    await handler.updateTags(['_N_T_/menu'])
    expect(await read(at, ['_N_T_/other'])).toEqual(['rice', 600])
    expect(await read(at, ['_N_T_/other', '_N_T_/menu'])).toBeUndefined()
    expect(await read(at)).toEqual(['rice', 600])
    await handler.updateTags(['_N_T_/other'], { expire: 30 })
    expect(await read(at, ['_N_T_/other'])).toEqual(['rice', -1])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(await read(at, ['_N_T_/other'])).toBeUndefined()
  })

  it('tells Next that soft tags are looked at here', async () => {
    expect(await handler.getExpiration(['_N_T_/menu'])).toBe(Infinity)
    await expect(handler.refreshTags()).resolves.toBeUndefined()
  })

  it.each([
    ['updated', undefined],
    ['revalidated by a profile', { expire: 30 }],
  ])('does not keep what was begun before its tag was %s', async (_how, durations) => {
    const at = key()
    const timestamp = now()
    await vi.advanceTimersByTimeAsync(1_000)
    await handler.updateTags(['a5'], durations)
    await set(at, { tags: ['a5'], timestamp })
    expect(await read(at)).toBeUndefined()
  })

  it('does not keep it either where the tag is updated while it is stored', async () => {
    const entered: number[] = []
    for (let steps = 0; steps < 60; steps += 1) {
      const at = key()
      let stored = false
      const storing = set(at, { tags: ['a6'] }).then(() => (stored = true))
      for (let step = 0; step < steps; step += 1) await Promise.resolve()
      if (stored) break
      entered.push(steps)
      await handler.updateTags(['a6'])
      await storing
      expect([steps, await read(at)]).toEqual([steps, undefined])
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(entered.length).toBeGreaterThan(10)
  })

  it.each([
    ['the entry fails', () => Promise.reject(new Error('the render broke off'))],
    [
      'its stream breaks off',
      () => {
        const value = new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(new TextEncoder().encode('ri'))
          },
          pull(controller) {
            controller.error(new Error('the render broke off'))
          },
        })
        return Promise.resolve(entry({ value }))
      },
    ],
  ])('keeps what it had where %s', async (_what, pending) => {
    const [at, empty] = [key(), key()]
    await set(at)
    await expect(handler.set(at, pending())).resolves.toBeUndefined()
    expect(await read(at)).toEqual(['rice', 600])
    await expect(handler.set(empty, pending())).resolves.toBeUndefined()
    expect(await read(empty)).toBeUndefined()
  })

  it('has readers wait for what is being stored', async () => {
    const at = key()
    let finish = (): void => {}
    const value = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('ri'))
        finish = () => {
          controller.enqueue(new TextEncoder().encode('ce'))
          controller.close()
        }
      },
    })
    const stored = set(at, { value })
    const found = read(at)
    await vi.advanceTimersByTimeAsync(100)
    finish()
    await stored
    expect(await found).toEqual(['rice', 600])
  })

  it('does not let readers wait for a request that has died', async () => {
    const at = key()
    await set(at)
    const never = handler.set(at, new Promise(() => {}))
    const found = read(at)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(await found).toEqual(['rice', 600])
    // Who comes later does not wait at all.
    expect(await read(at)).toEqual(['rice', 600])
    await set(at, { value: stream('noodles') })
    expect(await read(at)).toEqual(['noodles', 600])
    expect(never).toBeInstanceOf(Promise)
  })
})
