// What the Workers of this folder take from the runtime's module beside what bench/compare declares.
declare module 'cloudflare:workers' {
  export class WorkerEntrypoint<Env> {
    constructor(context: unknown, env: Env)
    protected readonly env: Env
  }
}
