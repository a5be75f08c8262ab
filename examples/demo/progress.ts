/** One line per step while it runs: rewritten on a terminal, else written at its begin and end. */
export class Progress {
  readonly #out: NodeJS.WriteStream

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  async step<Result>(name: string, run: (tell: (done: number) => void) => Promise<Result>): Promise<Result> {
    const started = performance.now()
    const seconds = (): string => `${((performance.now() - started) / 1_000).toFixed(1)} s`
    let shown = started
    this.#write(`  ${name} ...`, '')
    const result = await run((done) => {
      if (performance.now() - shown < 250) return
      shown = performance.now()
      this.#write(`  ${name}: ${done} after ${seconds()}`, '')
    })
    this.#write(`  ${name}: ${seconds()}`, '\n')
    return result
  }

  #write(line: string, end: string): void {
    if (this.#out.isTTY) this.#out.write(`\r\u001B[2K${line}${end}`)
    else if (end || line.endsWith('...')) this.#out.write(`${line}\n`)
  }
}
