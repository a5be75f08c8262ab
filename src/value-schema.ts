import { typeOf } from './durations.ts'
import { InvalidOptionError } from './errors.ts'
import type { MaybePromise } from './ports.ts'

/**
 * What can judge a value: version 1 of Standard Schema (https://standardschema.dev), as far as it is used. `types` only says
 * what fits, for who infers it: a schema that makes something else of a value judges no value of one type.
 */
export interface ValueSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => MaybePromise<{ readonly issues?: readonly unknown[] | undefined }>
    readonly types?: { readonly input: T; readonly output: T } | undefined
  }
}

/** @throws {@link InvalidOptionError} unless it is a schema, or absent. */
export function checkSchema(schema: unknown): void {
  if (schema === undefined) return
  // Some libraries make them as functions with properties.
  const { '~standard': standard } = (schema ?? {}) as Partial<ValueSchema>
  if (typeof standard?.validate === 'function') return
  throw new InvalidOptionError({
    option: 'schema',
    received: typeOf(schema),
    allowed: 'a schema with "~standard", as zod 3.24, valibot 1 and others make them',
  })
}

/** Whether a value fits. A schema that fails has not said so. */
export function fits({ '~standard': standard }: ValueSchema, value: unknown): MaybePromise<boolean> {
  const result = standard.validate(value)
  return 'then' in result ? Promise.resolve(result).then(({ issues }) => !issues) : !result.issues
}
