import { BentoCache, bentostore, childLogger } from 'ekiben'
import { memoryDriver } from 'ekiben/drivers/memory'
import { upstashDriver } from 'ekiben/drivers/upstash'
import { pino } from 'pino'

/** What may stand in no line: a value, and what opens the store. */
export const SECRETS = ['value-of-the-test', 'token-of-the-test'] as const

/**
 * A cache with memory, an L2 where nobody listens, and pino. Its build for Node writes to stdout; the one for browsers,
 * which bundlers take, gives its lines to the list.
 */
export async function play({ onWorkers }: { onWorkers: boolean }): Promise<unknown[]> {
  const lines: unknown[] = []
  const logger = pino({
    level: 'debug',
    serializers: { error: pino.stdSerializers.err },
    browser: { asObject: true, serialize: true, write: (line) => void lines.push(line) },
  })
  const [value, token] = SECRETS
  const bento = new BentoCache({
    default: 'main',
    stores: {
      main: bentostore({ ttl: '1m' })
        .useL1Layer(memoryDriver())
        .useL2Layer(upstashDriver({ url: 'http://127.0.0.1:1', token })),
    },
    logger: onWorkers ? childLogger(logger) : logger,
  })
  await bento.getOrSet({ key: 'dish', tags: ['menu'], factory: () => ({ value }) })
  await bento.get({ key: 'dish' })
  await bento.flush()
  return lines
}
