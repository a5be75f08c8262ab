/** What the bridge takes from Node, Deno or Bun; declared here so that no ambient types leak to users. */
declare module 'node:diagnostics_channel' {
  interface Channel {
    readonly hasSubscribers: boolean
    publish(message: object): void
    runStores<Result>(message: object, run: () => Result): Result
  }

  export function tracingChannel(name: string): {
    readonly start: Channel
    readonly end: Channel
    readonly asyncStart: Channel
    readonly asyncEnd: Channel
    readonly error: Channel
  }
}
