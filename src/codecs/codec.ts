import type { MaybePromise } from '../ports.ts'

/** Where a payload belongs: what is sealed for one place opens in no other. */
export interface PayloadPlace {
  /** The key's full name, with prefix and namespaces, before any hashing. */
  readonly key: string
  /** The innermost namespace the entry lies in. */
  readonly namespace: string
}

/** Changes payloads on their way into L2 and back, such as by compressing and encrypting them. */
export interface PayloadCodec {
  /** Gives what is stored instead. */
  seal(payload: string, place: PayloadPlace): MaybePromise<string>
  /** Gives back what was sealed; `undefined`, or a throw, for what it did not seal for this place: that is a miss. */
  open(stored: string, place: PayloadPlace): MaybePromise<string | undefined>
}

/** One step of {@link codecs}. Bytes flow from step to step. */
export interface CodecStage {
  /** Stands beside what it has changed, so that this can be undone. Without commas. */
  readonly id: string
  /** Whether nothing is opened that this step has not changed. */
  readonly required: boolean
  /** `undefined`: better left as it is. */
  encode(
    bytes: Uint8Array<ArrayBuffer>,
    about: Uint8Array<ArrayBuffer>,
  ): MaybePromise<Uint8Array<ArrayBuffer> | undefined>
  /** `id` is the one that stood beside it, of those it answers to. */
  decode(
    bytes: Uint8Array<ArrayBuffer>,
    about: Uint8Array<ArrayBuffer>,
    id: string,
  ): MaybePromise<Uint8Array<ArrayBuffer>>
  /** Whether what bears this id is its own. */
  knows(id: string): boolean
}
