import type { Runtime } from '../ports.ts'

/** Collects what is asked one by one, to ask it at once. */
export interface Gather<Item, Reply> {
  /** Adds one, and gives its reply. */
  add(item: Item): Promise<Reply>
  /** Holds back what is collected, as more is about to come. Gives what ends that, once. */
  hold(): () => void
  /** Sends what has been collected, unless more is about to come. */
  flush(): void
}

/**
 * Makes a collection that is sent when it is told to be, or when what comes at the same time has come. All of it belongs
 * to one call of the cache, so that nobody waits for another request.
 */
export function makeGather<Item, Reply>(
  runtime: Runtime,
  send: (items: readonly Item[]) => Promise<readonly Reply[]>,
): Gather<Item, Reply> {
  let waiting: { readonly item: Item; readonly settle: (reply: Promise<Reply>) => void }[] = []
  let held = 0
  let stop: (() => void) | undefined

  const flush = (): void => {
    stop?.()
    stop = undefined
    if (held > 0 || waiting.length === 0) return
    const sent = waiting
    waiting = []
    const replies = send(sent.map(({ item }) => item))
    sent.forEach(({ settle }, at) => settle(replies.then((all) => all[at] as Reply)))
  }
  /** Anew with each one that comes: those that come together go together. */
  const soon = (): void => {
    stop?.()
    stop = runtime.setTimer(flush, 0)
  }
  return {
    add: (item) =>
      new Promise((settle) => {
        waiting.push({ item, settle })
        soon()
      }),
    hold: () => {
      held++
      let over = false
      return () => {
        if (over) return
        over = true
        held--
        if (waiting.length > 0) soon()
      }
    },
    flush,
  }
}
