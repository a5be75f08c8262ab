import { believeNews } from './believed-news.ts'
import { connectPushedL2 } from './connect-pushed-l2.ts'
import type { L2, L2Config } from './l2.ts'
import { Outbox, retriesOf } from './outbox.ts'
import type { Invalidation, Runtime, Subscriber, Subscription } from './ports.ts'
import type { Operation } from './stack.ts'
import type { BusTransport } from './store.ts'
import { Line } from './transport-line.ts'
import { eventsOf, makeMessage, type Message, readMessage } from './transport-message.ts'

/**
 * Makes an L2 whose changes are told on a bus of Bentocache's, in Bentocache's messages, to its own kind and to
 * Bentocache. Where a coordinator keeps the journal a message only wakes, and what happened is asked for; elsewhere it
 * is believed.
 *
 * @throws {@link InvalidOptionError} for a `retryQueue` that is none.
 */
export function connectTransport(config: L2Config, transport: BusTransport): L2 {
  const { name, settings, root, trace, wrap, coordination } = config
  const { prefix } = settings
  let latest: Runtime | undefined
  const line = new Line(transport, {
    channel: `bentocache.notifications:${name}`,
    wrap,
    onMessage: (message, subscriber) => {
      const heard = readMessage(prefix, message)
      if (!heard) return
      if (!believing) return subscriber.onPush()
      const { type, keys } = heard
      trace.tell({ type: 'received', store: name, message: { type, keys } })
      believing.hear(eventsOf(root, heard, (key) => believing.l2.key(key)))
    },
    onReconnect: () => void (latest && outbox.drain(latest)),
  })
  const outbox = new Outbox({
    ...config,
    retries: retriesOf(config.busOptions),
    publish: (message) => line.publish(message),
  })
  const subscribe = (subscriber: Subscriber): Subscription => line.subscribe(subscriber)
  const believing = coordination ? undefined : believeNews(config, subscribe)
  const l2 = believing ? believing.l2 : connectPushedL2.connect({ ...config, subscribe })

  return tellAll({
    l2,
    outbox,
    prefix,
    // Who fills what was missing changes nothing that a coordinator's journal would tell.
    fills: !coordination,
    note: (runtime) => void (latest = runtime),
  })
}

interface Telling {
  readonly l2: L2
  readonly outbox: Outbox
  readonly prefix: string
  /** Whether a value that was computed is news. */
  readonly fills: boolean
  readonly note: (runtime: Runtime) => void
}

/** Tells of every change that was acknowledged, unless `skipBusNotify`. */
function tellAll({ l2, outbox, prefix, fills, note }: Telling): L2 {
  const tell = async (
    { runtime, scope }: Operation,
    type: Message['type'],
    events: readonly Invalidation[],
  ): Promise<void> => {
    note(runtime)
    await outbox.send(runtime, makeMessage(prefix, scope, type, events))
  }
  return {
    ...l2,
    commit: async (call, draft, mode) => {
      const stored = await l2.commit(call, draft, mode)
      const isNews = fills || mode.kind !== 'lease'
      if (stored && isNews && !draft.settings.skipBusNotify)
        await tell(call, 'set', [{ kind: 'key', name: call.l2Key, soft: true }])
      return stored
    },
    invalidate: async (operation, events) => {
      const told = await l2.invalidate(operation, events)
      const [first] = events
      if (told && first && !operation.settings.skipBusNotify) await tell(operation, typeOf(first), events)
      return told
    },
    take: async (call) => {
      const taken = await l2.take(call)
      if (taken && !call.settings.skipBusNotify)
        await tell(call, 'delete', [{ kind: 'key', name: call.l2Key, soft: false }])
      return taken
    },
    close: () => {
      l2.close?.()
      outbox.close()
    },
  }
}

/**
 * As Bentocache tells it. Of a tag it tells that the key of its last invalidation was set: a peer then looks there again,
 * and does not forget what it knew.
 */
function typeOf({ kind, soft }: Invalidation): Message['type'] {
  if (kind === 'namespace') return 'clear'
  if (kind === 'tag') return 'set'
  return soft ? 'expire' : 'delete'
}
