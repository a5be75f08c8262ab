import { describe, expect, it } from 'vitest'
import { readArguments } from '../../examples/demo/arguments.ts'
import { SetupError } from '../../examples/demo/setup-error.ts'

describe('the demo', () => {
  it('runs on the Durable Object unless told otherwise', () => {
    expect(readArguments([])).toEqual({
      l2: 'do',
      json: false,
      serve: false,
      port: 8787,
      requests: 6_000,
      seed: 7,
    })
  })

  it.each(['do', 'kv', 'upstash'])('takes %s as L2, in both ways to write it', (l2) => {
    expect(readArguments(['--l2', l2])).toMatchObject({ l2 })
    expect(readArguments(['--json', `--l2=${l2}`])).toMatchObject({ l2, json: true })
  })

  it.each(['redis', 'DO', '', 'constructor'])('names those it knows when told %j', (l2) => {
    const started = () => readArguments(['--l2', l2])
    expect(started).toThrow(SetupError)
    expect(started).toThrow(`Invalid --l2: received '${l2}', expected one of do, kv, upstash`)
  })

  it.each([
    [['--l2'], /--l2 <value>/],
    [['--l3', 'kv'], /--l3/],
    [['kv'], /'kv'/],
    [['--port', '0'], /--port must be a whole number above 0/],
    [['--requests', 'many'], /--requests must be a whole number above 0/],
    [['--seed', '1.5'], /--seed must be a whole number above 0/],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => readArguments(args)).toThrow(SetupError)
    expect(() => readArguments(args)).toThrow(message)
  })
})
