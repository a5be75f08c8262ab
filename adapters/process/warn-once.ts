import type { Logger } from '../../src/log.ts'
import { attempt } from '../../src/trace.ts'

/** Says something once: to the logger, or to the console where there is none, as nobody else may be listening. */
export function warnOnce(logger: Logger | undefined, message: string): () => void {
  let said = false
  return () => {
    if (said) return
    said = true
    attempt(() => {
      if (logger?.warn) logger.warn({}, message)
      // oxlint-disable-next-line no-console -- work may be lost, and without a logger nobody would hear of it
      else console.warn(message)
    })
  }
}
