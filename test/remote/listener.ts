import type { Coordination, Push, Subscription } from '../../src/ports.ts'
import { until } from '../isolates/stage.ts'

/** What a subscriber was told, in order. */
export interface Listener {
  readonly told: readonly string[]
  readonly pushes: readonly (Push | undefined)[]
  readonly ends: readonly unknown[]
  readonly subscription: Subscription
  /** Waits for so many calls of a kind. */
  heard(what: 'open' | 'alive' | 'push' | 'end', count?: number): Promise<void>
}

/** Subscribes, and writes down what it hears. */
export function listenTo({ subscribe }: Coordination): Listener {
  const told: string[] = []
  const pushes: (Push | undefined)[] = []
  const ends: unknown[] = []
  const subscription = subscribe!({
    onOpen: () => void told.push('open'),
    onAlive: () => void told.push('alive'),
    onPush: (push) => {
      told.push('push')
      pushes.push(push)
    },
    onEnd: (error) => {
      told.push('end')
      ends.push(error)
    },
  })
  return {
    told,
    pushes,
    ends,
    subscription,
    heard: async (what, count = 1) => {
      await until(`${count} times ${what}, heard ${told.join(' ')}`, async () => {
        return told.filter((each) => each === what).length >= count
      })
    },
  }
}
