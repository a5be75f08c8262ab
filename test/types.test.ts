import { describe, expect, test } from 'vitest'
import { compile } from './api/verify.ts'
import { root, sourcesIn } from './sources.ts'

/** One thing the compiler says, or is to say. */
interface Said {
  readonly file: string
  readonly line: number
  readonly message: string
}

const THROWS = /^\s*\/\/ THROWS (.+)$/

/** Lines that must not compile, and why: the comment above each. */
function expectedOf(file: string, text: string): Said[] {
  return text.split('\n').flatMap((line, at) => {
    const [, message] = THROWS.exec(line) ?? []
    return message === undefined ? [] : [{ file, line: at + 2, message }]
  })
}

/** What the compiler says, with what it adds in the lines below. */
function saidIn(output: string): Said[] {
  return output.split(/^(?=\S+\.ts\(\d+,\d+\): error )/m).flatMap((block) => {
    const [, file = '', line, message = ''] =
      /^(\S+\.ts)\((\d+),\d+\): error (?:TS\d+: )?([^]*)/.exec(block) ?? []
    return line === undefined ? [] : [{ file, line: Number(line), message: message.trim() }]
  })
}

/** An expectation that a statement of several lines meets, where the compiler points into it. */
function meets(expected: Said, said: Said): boolean {
  return said.file === expected.file && said.line === expected.line && said.message.includes(expected.message)
}

const sources = sourcesIn('test/types')
const output = await compile(`${root}test/types`)

describe('types', () => {
  const said = saidIn(output)
  const expected = sources.flatMap(({ path, text }) => expectedOf(path, text))

  test('nothing else fails to compile than what must', () => {
    const unexpected = said.filter(
      (one) => !expected.some((other) => other.file === one.file && other.line === one.line),
    )
    expect(unexpected).toEqual([])
  })

  test.each(expected)('what must not compile does not, for its own reason: $file:$line', (one) => {
    const there = said.filter(({ file, line }) => file === one.file && line === one.line)
    expect(there.map(({ message }) => message).join('\n')).toContain(one.message)
    expect(said.some((other) => meets(one, other))).toBe(true)
  })

  test('each file of them is looked at', () => {
    expect(sources.length).toBeGreaterThanOrEqual(5)
    expect(expected.length).toBeGreaterThan(30)
  })
})
