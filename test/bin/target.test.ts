import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, targetOf } from '../../bin/gateway/target.ts'

const encodeAll = (bytes: Uint8Array) =>
  [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')

describe('the target of a request', () => {
  it.each([
    ['/', [], []],
    ['/get/key', ['get', 'key'], []],
    ['/set/../%2e%2e/', ['set', '..', '%2e%2e', ''], []],
    ['/set/a?EX=100&NX', ['set', 'a'], ['EX', '100', 'NX']],
    ['/set/a?EX=a=b&GET=', ['set', 'a'], ['EX', 'a=b', 'GET']],
    ['/?', [], []],
  ])('of %s is split and not resolved', (url, segments, parameters) => {
    expect(targetOf(url)).toEqual({ segments, parameters, token: undefined })
  })

  it('gives the token apart from the parameters', () => {
    expect(targetOf('/set/a?EX=1&_token=x%2By+z&NX')).toEqual({
      segments: ['set', 'a'],
      parameters: ['EX', '1', 'NX'],
      token: 'x+y z',
    })
    expect(targetOf('/get/a?_token=%zz').token).toBeUndefined()
  })

  it.each(['*', 'http://example.test/get/key', ''])('is a path: %j is refused', (url) => {
    expect(() => targetOf(url)).toThrow('ERR the URL is not a path')
  })
})

describe('percent-encoded bytes', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        (bytes) => void expect([...bytesOf(encodeAll(bytes))]).toEqual([...bytes]),
      ),
    )
  })

  it('are what the encoder of the language makes of a text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        (text) => void expect(bytesOf(encodeURIComponent(text)).toString()).toBe(text),
      ),
    )
  })

  it.each(['%', '%1', '%g0', 'a%', '%%20', '%-1'])('are refused where they are damaged: %s', (text) => {
    expect(() => bytesOf(text)).toThrow('not well percent-encoded')
  })
})
