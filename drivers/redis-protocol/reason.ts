/**
 * What an error of Redis says, in a word. Its text may quote commands, so it never gets out: only the code at its
 * beginning does.
 */
export function reasonOf(text: string): string {
  // Plain Redis does not know Upstash's flags, older ones not even where they stand.
  if (/shebang|near '#'/.test(text)) return 'SHEBANG'
  return /^[A-Z]{2,32}(?= |$)/.exec(text)?.[0] ?? 'ERR'
}
