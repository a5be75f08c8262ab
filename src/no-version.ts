/** A version that no entry bears: what is to be kept under it is refused, and its lease is free. */
export const NO_VERSION = '-'
