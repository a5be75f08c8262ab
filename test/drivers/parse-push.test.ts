import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePush } from '../../drivers/coordinator-protocol/parse-push.ts'

const after = { seq: 4, id: 'four' }
const head = { seq: 6, id: 'six' }
const first = { seq: 5, kind: 'key', name: 'k', soft: false }
const second = { seq: 6, kind: 'tag', name: '', soft: true }
const push = { after, page: { head, events: [first, second] } }

test.each([
  push,
  { after, page: { head: after, events: [] } },
  { after, page: { head, events: 'gap' } },
  { after, page: { head, events: [{ ...first, kind: 'namespace' }] } },
])('news are taken as they are (%#)', (news) => {
  expect(parsePush(JSON.stringify(news))).toEqual(news)
})

test('what stands beside the news is left out', () => {
  expect(parsePush(JSON.stringify({ ...push, more: 1 }))).toEqual(push)
})

test.each([
  ['nothing', undefined],
  ['null', null],
  ['a list', [push]],
  ['a text', 'gap'],
  ['no cursor', { page: push.page }],
  ['a cursor without id', { ...push, after: { seq: 4 } }],
  ['a cursor between two events', { ...push, after: { seq: 4.5, id: 'x' } }],
  ['a cursor that is a text', { ...push, after: { seq: '4', id: 'x' } }],
  ['no page', { after }],
  ['a page without head', { after, page: { events: [] } }],
  ['a page without events', { after, page: { head } }],
  ['another text for events', { after, page: { head, events: 'all' } }],
  ['an event that is none', { after, page: { head, events: [null] } }],
  ['an event of another kind', { after, page: { head, events: [{ ...first, kind: 'other' }] } }],
  ['an event of an inherited kind', { after, page: { head, events: [{ ...first, kind: 'toString' }] } }],
  ['an event whose name is no text', { after, page: { head, events: [{ ...first, name: 5 }] } }],
  ['an event without degree', { after, page: { head, events: [{ ...first, soft: undefined }] } }],
  ['an event without place', { after, page: { head, events: [{ ...first, seq: null }] } }],
  ['events out of order', { after, page: { head, events: [second, first] } }],
  ['an event twice', { after, page: { head, events: [first, first] } }],
  ['an event past the head', { after, page: { head, events: [{ ...first, seq: 7 }] } }],
])('%s is no news', (_what, news) => {
  expect(parsePush(JSON.stringify(news) ?? '')).toBeUndefined()
})

test('a message that is too long is not read', () => {
  const long = { ...push, page: { head, events: [{ ...first, name: 'x'.repeat(1_048_576) }] } }
  expect(parsePush(JSON.stringify(long))).toBeUndefined()
})

test('no text makes it throw or touches the prototype of objects', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      parsePush(text)
      return parsePush(`{"__proto__":${JSON.stringify(text)},"after":1}`) === undefined
    }),
  )
  expect(parsePush(`{"__proto__":{"polluted":1},"after":{"seq":1,"id":"x"},"page":{}}`)).toBeUndefined()
  expect({}).not.toHaveProperty('polluted')
  expect(parsePush('['.repeat(200_000))).toBeUndefined()
})
