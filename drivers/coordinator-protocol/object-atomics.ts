import type { AtomicCalls, AtomicReply, AtomicRequest, AtomicStep } from '../../src/atomic-calls.ts'
import { StoreError } from '../../src/errors.ts'
import { isObject } from './parse-push.ts'

/** Sends a step to an object. Anything may come back. */
export type AskAtomic = (request: AtomicRequest) => Promise<unknown>

/** Locks and atomic values of an object, all through one door. */
export function objectAtomics(ask: AskAtomic): AtomicCalls {
  const call = <Step extends AtomicStep>(step: Step): AtomicCalls[Step] => {
    const send = async (request: object): Promise<unknown> => {
      const reply = await ask({ ...request, step } as AtomicRequest)
      if (isObject(reply) && REPLIES[step](reply)) return reply
      throw new StoreError('The coordinator', 'what answered is no coordinator')
    }
    return send as AtomicCalls[Step]
  }
  return {
    acquire: call('acquire'),
    extend: call('extend'),
    surrender: call('surrender'),
    add: call('add'),
    increment: call('increment'),
    read: call('read'),
    remove: call('remove'),
  }
}

type Check<Step extends AtomicStep> = (reply: {
  readonly [Field in keyof AtomicReply<Step>]?: unknown
}) => boolean

const REPLIES: { readonly [Step in AtomicStep]: Check<Step> } = {
  acquire: isHold,
  extend: isHold,
  surrender: ({ released }) => typeof released === 'boolean',
  add: ({ added }) => typeof added === 'boolean',
  increment: ({ value, refused }) =>
    value === undefined ? refused === 'type' || refused === 'range' : Number.isSafeInteger(value),
  read: ({ text }) => text === undefined || typeof text === 'string',
  remove: ({ removed }) => typeof removed === 'boolean',
}

function isHold({ held, fence, left }: { held?: unknown; fence?: unknown; left?: unknown }): boolean {
  return typeof held === 'boolean' && Number.isSafeInteger(fence) && Number.isFinite(left)
}
