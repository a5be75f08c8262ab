/** Something under the words a case is named by. It is made when it is used: some are large. */
export type Named<T> = readonly [name: string, make: () => T]

/** Texts that stores have been known to change: they are parsed, trimmed, re-encoded or taken for a header. */
export const VALUES: readonly Named<string>[] = [
  ['an ordinary text', () => 'taimeshi'],
  ['the empty text', () => ''],
  ['"123"', () => '123'],
  ['"007"', () => '007'],
  ['"1e3"', () => '1e3'],
  ['"-0"', () => '-0'],
  ['a number beyond the safe integers', () => '9007199254740993'],
  ['"null"', () => 'null'],
  ['"undefined"', () => 'undefined'],
  ['"true"', () => 'true'],
  ['"OK"', () => 'OK'],
  ['a JSON object', () => '{"a": 1.0, "b":[ null ]}'],
  ['a JSON text', () => '"quoted"'],
  ['a JSON object named __proto__', () => '{"__proto__":{"a":1}}'],
  ['broken JSON', () => '{"a":'],
  ['a text like a header on the wire', () => '1;{"v":1}\n{"a":1}'],
  ['a reply on the wire', () => '$3\r\nfoo\r\n+OK\r\n'],
  ['white space around it', () => '  \t padded \n'],
  ['kinds of newlines', () => 'a\nb\r\nc\rd\u2028e\u0085'],
  ['a NUL', () => 'a\0b\0'],
  ['control characters', () => '\u0001\u001b[31m\u007f'],
  ['a byte order mark', () => '\ufeffmark'],
  ['letters beyond ASCII', () => 'größe 漢字 ñ'],
  ['characters of two units', () => '🍱 👩‍👩‍👧'],
  ['composed and decomposed letters', () => '\u00e9 e\u0301'],
  ['quotes and backslashes', () => `'"\`\\ \\n %s \${a}`],
  ['base64', () => 'AAEC/+8='],
  ['100 KB of quotes and newlines', () => '"\\\n'.repeat(34_000)],
]

/** Names that must be as good as any: as keys, tags, and segments of namespaces without their colons. */
export const NAMES: readonly string[] = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'a b',
  ' a ',
  'a:b',
  ':a',
  'a:',
  'a::b',
  'a@1',
  'a#b',
  'a%3Ab',
  '%',
  'a/b',
  '../a',
  'a?b=c&d',
  'a*',
  'a?',
  '[ab]',
  '{a}',
  '{a}b',
  '^a$',
  'a,b',
  'a;b',
  'a\\',
  `a'b`,
  'a"b',
  'a\nb',
  'a\0',
  'a\0b',
  'A',
  'a',
  '1',
  '01',
  'null',
  'undefined',
  '🍱',
  '\u00e9',
  'e\u0301',
]

/** Names that a pattern made of the first would match. */
export const PATTERNS: readonly (readonly [pattern: string, matched: string])[] = [
  ['user', 'user2'],
  ['a*', 'ab'],
  ['a?', 'ab'],
  ['[ab]', 'a'],
  ['[^b]', 'a'],
  ['a%', 'ab'],
  ['a_', 'ab'],
  ['a.', 'ab'],
  ['a+', 'aa'],
  ['(a)', 'a'],
  ['a|b', 'a'],
  ['\\a', 'a'],
  ['a\\*', 'a*'],
]

/** A text of exactly so many bytes in UTF-8, of characters of three bytes and a rest of one each. */
export function wideText(bytes: number): string {
  return '漢'.repeat(Math.floor(bytes / 3)) + 'x'.repeat(bytes % 3)
}

/** How many bytes a text has in UTF-8. */
export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}

/** `count` short names. */
export function numbered(count: number, name = 'n'): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`)
}

/** A text as it may stand in the name of a case. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
