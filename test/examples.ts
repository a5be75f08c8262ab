import { readdirSync } from 'node:fs'
import { read, root, sourcesIn } from './sources.ts'

/** A TypeScript example that users read. */
export interface Example {
  /** Where it stands, such as `docs/redis.md (2)`. */
  readonly title: string
  readonly source: string
}

/** Examples of a document or of comments that import the package, hence stand for themselves; for other runtimes aside. */
export function publishedExamples(): Example[] {
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
      .map(([, source = ''], index) => ({ title: `${path} (${index + 1})`, source }))
      .filter(({ source }) => /from 'ekiben/.test(source) && !/from '(?:npm|bun|jsr):/.test(source)),
  )
}

/** Packages that an example needs beside this one. */
export function packagesOf(source: string): string[] {
  const named = [...source.matchAll(/from '((?:@[\w-]+\/)?[a-z][\w-]*)/g)].map(([, name = '']) => name)
  return named.filter((name) => name !== 'ekiben')
}
