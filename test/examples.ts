import { readdirSync } from 'node:fs'
import { read, root, sourcesIn } from './sources.ts'

/** A TypeScript example that users read. */
export interface Example {
  /** Where it stands, such as `docs/redis.md (2)`. */
  readonly title: string
  readonly path: string
  /** Of its first line, counted from 1. */
  readonly line: number
  readonly source: string
}

/** Examples of documents and of comments that import the package, hence stand for themselves. */
function examples(): Example[] {
  const documents = ['README.md', ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)]
  const files = [
    ...documents.filter((name) => name.endsWith('.md')).map((path) => ({ path, text: read(path) })),
    ...sourcesIn('src', 'drivers', 'adapters', 'workers', 'bin', 'test/conformance').map(
      ({ path, text }) => ({
        path,
        text: text.replaceAll(/^ *\* ?/gm, ''),
      }),
    ),
  ]
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(/```ts\n(.*?)```/gs)]
      .map((match, index) => ({
        title: `${path} (${index + 1})`,
        path,
        line: text.slice(0, match.index).split('\n').length + 1,
        source: match[1]!,
      }))
      .filter(({ source }) => /from '(?:npm:|jsr:@ekiben\/)?ekiben/.test(source)),
  )
}

/** Those that TypeScript takes as they are; what names its packages as other runtimes do is aside. */
export function publishedExamples(): Example[] {
  return examples().filter(
    ({ source }) => /from 'ekiben/.test(source) && !/from '(?:npm|bun|jsr):/.test(source),
  )
}

/** Those that Deno runs: all but what needs the modules of another runtime, or is deployed to Cloudflare. */
export function examplesForDeno(): Example[] {
  return examples().filter(
    ({ source }) => !/from '(?:bun|cloudflare|@cloudflare|ekiben\/workers)\b|\bBun\./.test(source),
  )
}

/** Packages that an example needs beside this one. */
export function packagesOf(source: string): string[] {
  const named = [...source.matchAll(/from '((?:@[\w-]+\/)?[a-z][\w-]*)/g)].map(([, name = '']) => name)
  return named.filter((name) => name !== 'ekiben')
}
