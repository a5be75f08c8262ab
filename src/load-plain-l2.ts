import type { ConnectL2, L2, L2Config } from './l2.ts'
import { prepareTier } from './prepare-tier.ts'

/**
 * `connectPlainL2`, loaded when first needed: for runtimes that load modules from disk, where a store that does
 * not need it need not pay for it. Each call loads for itself: requests must not wait for each other's promises.
 */
export const loadPlainL2: ConnectL2 = { prepare: prepareTier, connect: connectLater }

function connectLater(config: L2Config): L2 {
  let l2: L2 | undefined
  let closed = false
  const late =
    <Name extends Exclude<keyof L2, 'close'>>(name: Name) =>
    async (...args: Parameters<L2[Name]>): Promise<never> => {
      if (!l2) {
        const { connectPlainL2 } = await import('./plain-l2.ts')
        l2 ??= connectPlainL2.connect(config)
        if (closed) l2.close?.()
      }
      return (l2[name] as (...args: Parameters<L2[Name]>) => never)(...args)
    }
  return {
    key: late('key'),
    read: late('read'),
    awaitLease: late('awaitLease'),
    commit: late('commit'),
    release: (call, token) => void late('release')(call, token).catch(() => {}),
    invalidate: late('invalidate'),
    take: late('take'),
    ask: late('ask') as L2['ask'],
    retry: (runtime, events) => void late('retry')(runtime, events).catch(() => {}),
    pollIfDue: (runtime, now) => void late('pollIfDue')(runtime, now).catch(() => {}),
    pull: late('pull'),
    close: () => {
      closed = true
      l2?.close?.()
    },
  }
}
