/** What a request is refused with: a status and a message for its sender. */
export class Refusal extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** A request that says something that cannot be meant. */
export function malformed(message: string): Refusal {
  return new Refusal(400, `ERR ${message}`)
}

/** Redis did not answer. What was sent may have run. */
export function unavailable(message: string): Refusal {
  return new Refusal(503, `ERR ${message}`)
}
