/** What the demo is started with. */
import { parseArgs } from 'node:util'
import { type L2Name, readL2 } from '../../workers/demo/l2.ts'
import { SetupError } from './setup-error.ts'

export interface Arguments {
  readonly l2: L2Name
  readonly json: boolean
  readonly serve: boolean
  readonly port: number
  readonly requests: number
  readonly seed: number
}

/** @throws SetupError naming the flag and what it takes */
export function readArguments(args: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        l2: { type: 'string' },
        json: { type: 'boolean', default: false },
        serve: { type: 'boolean', default: false },
        port: { type: 'string', default: '8787' },
        requests: { type: 'string', default: '6000' },
        seed: { type: 'string', default: '7' },
      },
    })
    return {
      l2: readL2('--l2', values.l2),
      json: values.json,
      serve: values.serve,
      port: wholeNumber('--port', values.port),
      requests: wholeNumber('--requests', values.requests),
      seed: wholeNumber('--seed', values.seed),
    }
  } catch (error) {
    throw new SetupError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

function wholeNumber(flag: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 1)
    throw new RangeError(`${flag} must be a whole number above 0`)
  return number
}
