/** What Redis answered: bulk and simple strings as bytes, integers as their digits, errors in place. */
export type Reply = Buffer | string | null | Error | readonly Reply[]

/** How strings are written into JSON. */
export type Encoding = 'plain' | 'base64'

/** `{"result": ...}`, or `{"error": ...}` for what Redis refused. */
export function answerOf(reply: Reply, encoding: Encoding): string {
  return reply instanceof Error ? errorAnswer(reply.message) : `{"result":${resultOf(reply, encoding)}}`
}

/** `{"error": ...}` */
export function errorAnswer(message: string): string {
  return JSON.stringify({ error: message })
}

/** The status "OK" is never encoded. Inside of lists it is: clients decode every string they find there. */
function resultOf(reply: Reply, encoding: Encoding): string {
  const isStatus = Buffer.isBuffer(reply) && reply.length === 2 && reply.toString('latin1') === 'OK'
  return isStatus ? '"OK"' : written(reply, encoding)
}

function written(reply: Reply, encoding: Encoding): string {
  if (reply === null) return 'null'
  // Digits, not a number: an integer of Redis has 64 bits.
  if (typeof reply === 'string') return reply
  if (reply instanceof Error) return written(Buffer.from(reply.message), encoding)
  if (Buffer.isBuffer(reply)) return JSON.stringify(reply.toString(encoding === 'base64' ? 'base64' : 'utf8'))
  return `[${reply.map((part) => written(part, encoding)).join(',')}]`
}
