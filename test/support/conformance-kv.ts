import { vi } from 'vitest'
import { cloudflareKvDriver } from '../../drivers/cloudflare-kv.ts'
import type { OpenedStore } from '../conformance/index.ts'
import { kvSimulator } from './kv-simulator.ts'

/**
 * KV as one location sees it. The driver keeps the ends of values by the clock of its machine, which is the simulator's
 * while a case runs. Cases write a key again and again at one instant, so the limit of a write a second is off.
 */
export function kvStore(): OpenedStore {
  const started = Date.now()
  let passed = 0
  const now = (): number => started + passed
  const spy = vi.spyOn(Date, 'now').mockImplementation(now)
  const kv = kvSimulator({ now, oneWriteASecond: false })
  return {
    connect: (prefix) => cloudflareKvDriver({ binding: kv.at('here') }).factory({ prefix }),
    pass: (ms) => {
      passed += ms
    },
    close: () => spy.mockRestore(),
  }
}
