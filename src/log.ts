import { attempt, type Step, type TraceListener } from './trace.ts'

/** The part of a logger that is used; pino and the loggers Bentocache takes have it. */
export interface Logger {
  debug(fields: object, message: string): void
  warn?(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A {@link Logger} that makes others, which add `fields` to each line. Pino is one. */
export interface ParentLogger extends Logger {
  child?(fields: object): Logger
}

/** Hangs a logger on the trace. Values are left out: a log is no place for them. */
export function logSteps(logger: Logger): TraceListener {
  return (step: Step) => {
    const { type, value: _value, ...fields } = step as Step & { value?: unknown }
    const failed = 'error' in step || type === 'unacknowledged'
    const level = failed ? 'error' : type === 'advice' && logger.warn ? 'warn' : 'debug'
    attempt(() => logger[level]?.(fields, `ekiben: ${type}`))
  }
}
