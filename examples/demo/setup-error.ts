/** What whoever starts the demo can put right: told in words, without a stack. */
export class SetupError extends Error {}
