/** Longest text of a value in a message. */
const LONGEST = 300

/** Rejects a case: what it looked at, what it expected and what came. */
class ConformanceError extends Error {
  override readonly name = 'ConformanceError'
}

/** Expects the same plain data. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  if (!alike(actual, expected)) fail(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

/** Expects that something holds. */
export function holds(condition: boolean, what: string): void {
  if (!condition) fail(what)
}

/** Expects a number in `(0, most]`: what is left of a duration. */
export function left(actual: number | null | undefined, most: number, what: string): void {
  const within = typeof actual === 'number' && actual > 0 && actual <= most
  if (!within) fail(`${what}: expected more than 0 and at most ${most} ms, got ${show(actual)}`)
}

/** Gives what must be there. */
export function present<T>(value: T | null | undefined, what: string): T {
  return value ?? fail(`${what}: expected something, got ${show(value)}`)
}

function fail(message: string): never {
  throw new ConformanceError(message)
}

function alike(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const names = Object.keys(one)
  if (names.length !== Object.keys(other).length) return false
  return names.every(
    (name) => Object.hasOwn(other, name) && alike(Reflect.get(one, name), Reflect.get(other, name)),
  )
}

function show(value: unknown): string {
  const text = value === undefined ? 'undefined' : JSON.stringify(value)
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`
}
