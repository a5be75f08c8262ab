/** Where Bentocache's contract says `any`, so that code written for it compiles unchanged. */
// oxlint-disable-next-line typescript/no-explicit-any -- the one place where the loose type is spelled
export type Loose = any
