import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { seal, unseal } from '../../src/payload.ts'

const golden = readFileSync(new URL('../wire/payload-v1.txt', import.meta.url), 'utf8')

const payload = {
  created: 1_000_000_000_000,
  key: 'bentocache:menus:a very long key',
  text: '{"dish":"taimeshi","price":1180,"line":"two\\nlines"}',
}

test('payloads of version 1 are read for ever', () => {
  expect(unseal(golden)).toEqual(payload)
})

test('payloads are written as version 1', () => {
  expect(seal(payload)).toBe(golden)
})

test('a body is carried as it is', () => {
  for (const text of ['', '\n', 'null', '"\u{1f371}"', 't;{}\n']) {
    expect(unseal(seal({ created: 1, text }))).toEqual({ created: 1, key: undefined, text })
  }
})

test('what cannot be read is nothing', () => {
  const unreadable = [
    '',
    't;',
    '{"value":1}',
    '<html>\nBad gateway</html>',
    't;{"v":1,"created":1}',
    't;{"v":2,"created":1}\n"x"',
    'z;{"v":1,"created":1}\n"x"',
    't;{"v":1,"created":"1"}\n"x"',
    't;null\n"x"',
    't;[]\n"x"',
    golden.slice(0, 20),
  ]
  expect(unreadable.filter((text) => unseal(text) !== undefined)).toEqual([])
})
