import { Worker } from 'node:worker_threads'

/** How late this machine is with what it should do now. Whoever measures waits of others must know. */
export interface Lag {
  /** The worst since the last call, in milliseconds. */
  worst(): number
  close(): Promise<void>
}

/** A thread that does nothing but ask to be woken: whatever it is late by, everybody else may be. */
const WATCH = `
  const { workerData } = require('node:worker_threads')
  const worst = new Float64Array(workerData)
  const TICK = 5
  let due = performance.now() + TICK
  const tick = () => {
    const now = performance.now()
    worst[0] = Math.max(worst[0], now - due)
    due = now + TICK
    setTimeout(tick, TICK)
  }
  setTimeout(tick, TICK)
`

export function watchLag(): Lag {
  const shared = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)
  const worst = new Float64Array(shared)
  const worker = new Worker(WATCH, { eval: true, workerData: shared })
  return {
    worst() {
      const late = worst[0] ?? 0
      worst[0] = 0
      return late
    },
    close: async () => void (await worker.terminate()),
  }
}
