import type { AtomicCalls, AtomicStep, Hold } from '../../src/atomic-calls.ts'
import { StoreError } from '../../src/errors.ts'
import { nameAtomics } from './atomic-names.ts'
import { ATOMIC_SCRIPTS } from './atomic-scripts.ts'
import type { Evaluate } from './evaluate.ts'

/** Locks and atomic values by scripts in Redis. Each call is one command. */
export function redisAtomics(
  evaluate: Evaluate,
  { prefix, cluster = false }: { readonly prefix: string; readonly cluster?: boolean | undefined },
): AtomicCalls {
  const keys = nameAtomics(prefix, cluster)
  const run = (
    step: AtomicStep,
    own: readonly string[],
    ...args: readonly (string | number | null | undefined)[]
  ): Promise<readonly string[]> =>
    evaluate(
      ATOMIC_SCRIPTS[step],
      own,
      args.map((arg) => String(arg ?? '')),
    )
  return {
    acquire: async ({ name, token, ttl }) =>
      holdOf(await run('acquire', [keys.lock(name), keys.fence], token, ttl)),
    extend: async ({ name, token, ttl }) => holdOf(await run('extend', [keys.lock(name)], token, ttl)),
    surrender: async ({ name, token }) => ({
      released: yesOf(await run('surrender', [keys.lock(name)], token)),
    }),
    add: async ({ name, text, ttl, op }) => ({
      added: yesOf(await run('add', [keys.value(name), keys.answer(`add ${op}`, name)], text, ttl)),
    }),
    increment: async ({ name, by, ttl, op }) => {
      const own = [keys.value(name), keys.answer(`count ${op}`, name)]
      const [reply = ''] = await run('increment', own, by, ttl)
      return reply === 'type' || reply === 'range' ? { refused: reply } : { value: numberOf(reply) }
    },
    read: async ({ name }) => {
      const [text = ''] = await run('read', [keys.value(name)])
      return text === '' ? {} : { text }
    },
    remove: async ({ name }) => ({ removed: yesOf(await run('remove', [keys.value(name)])) }),
  }
}

function holdOf([fence, left]: readonly string[]): Hold {
  const hold = { fence: numberOf(fence), left: numberOf(left) }
  return { held: hold.fence > 0, ...hold }
}

function yesOf([reply]: readonly string[]): boolean {
  return numberOf(reply) === 1
}

function numberOf(text: string | undefined): number {
  const number = Number(text || Number.NaN)
  if (Number.isSafeInteger(number)) return number
  throw new StoreError('Redis', 'the reply is none of the script')
}
