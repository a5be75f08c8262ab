/** Longest name in UTF-8 bytes; longer ones are hashed. The same for every store, so that its driver and its bus agree. */
export const MAX_NAME_BYTES = 1024

/** Longest value, as JSON, in UTF-16 units: it is moved as one text with each call. */
export const MAX_TEXT = 65_536

/** Longest token and longest id of an operation, in UTF-16 units. */
export const MAX_ID = 128

/** Longest life of a lock in milliseconds: whoever holds one longer is not known to live. 30 days. */
export const MAX_LOCK = 2_592_000_000

/** How long a repeated step is recognised, in milliseconds: longer than any request lives, its copies included. */
export const ATOMIC_ANSWERS_TTL = 120_000
