type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only if both types are one and the same. */
export declare function same<A, B>(...differ: Equal<A, B> extends true ? [] : ['the types differ']): void
