/** What the examples use of Deno and Bun; their own types would change what every other file sees. */
type Answer = (request: Request) => Response | Promise<Response>

declare const Deno: {
  readonly env: { get(name: string): string | undefined }
  serve(options: { port: number }, answer: Answer): { shutdown(): Promise<void> }
}

declare const Bun: {
  serve(options: { fetch: Answer }): { readonly url: URL; stop(): Promise<void> }
}
