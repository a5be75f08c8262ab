import type { AtomicRequest, AtomicStep } from '../../src/atomic-calls.ts'
import { MAX_ID, MAX_LOCK, MAX_NAME_BYTES, MAX_TEXT } from '../../src/atomic-limits.ts'
import { checkObject, isWellFormed, refuse } from './requests.ts'

type Field = 'name' | 'token' | 'op' | 'text' | 'by' | 'ttl' | 'life' | 'renewal'

const FIELDS: Readonly<Record<AtomicStep, readonly Field[]>> = {
  acquire: ['name', 'token', 'life'],
  extend: ['name', 'token', 'renewal'],
  surrender: ['name', 'token'],
  add: ['name', 'text', 'ttl', 'op'],
  increment: ['name', 'by', 'ttl', 'op'],
  read: ['name'],
  remove: ['name'],
}

/**
 * Checks a step: types and sizes, so that nobody writes rows of any size, or numbers that are none.
 *
 * @throws {@link InvalidOptionError} (`E_INVALID_OPTION`), which names the field and never its value.
 */
export function checkAtomic(request: AtomicRequest): void {
  checkObject(request, 'body')
  const { step } = request as { step: unknown }
  if (typeof step !== 'string' || !Object.hasOwn(FIELDS, step)) refuse(step, 'step', 'a step')
  for (const field of FIELDS[step as AtomicStep]) CHECKS[field](request as never)
}

type Fields = { readonly [Name in 'name' | 'token' | 'op' | 'text' | 'by' | 'ttl']: unknown }

const CHECKS: Readonly<Record<Field, (fields: Fields) => void>> = {
  name: ({ name }) => checkText(name, 'name', MAX_NAME_BYTES),
  token: ({ token }) => checkText(token, 'token', MAX_ID),
  op: ({ op }) => checkText(op, 'op', MAX_ID),
  text: ({ text }) => checkText(text, 'text', MAX_TEXT),
  by: ({ by }) => {
    if (!Number.isSafeInteger(by)) refuse(by, 'by', 'a safe integer')
  },
  ttl: ({ ttl }) => {
    if (ttl !== null) checkLife(ttl, Number.MAX_SAFE_INTEGER)
  },
  life: ({ ttl }) => checkLife(ttl, MAX_LOCK),
  renewal: ({ ttl }) => {
    if (ttl !== undefined) checkLife(ttl, MAX_LOCK)
  },
}

function checkLife(ttl: unknown, most: number): void {
  if (!Number.isSafeInteger(ttl) || (ttl as number) < 1 || (ttl as number) > most)
    refuse(ttl, 'ttl', 'whole milliseconds over 0, within bounds')
}

function checkText(text: unknown, option: string, most: number): void {
  if (!isWellFormed(text) || text === '' || text.length > most)
    refuse(text, option, `well-formed text of 1 to ${most} characters`)
}
