import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { read, root, sourcesIn } from '../sources.ts'

/** Folders of examples that users copy. */
const folders = readdirSync(`${root}examples`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['demo', 'support'].includes(entry.name))
  .map(({ name }) => `examples/${name}`)

const tests = sourcesIn('test').filter(({ path }) => path.endsWith('.test.ts'))
const here = 'test/examples/all.test.ts'

describe.each(folders)('%s', (folder) => {
  const readme = read(`${folder}/README.md`)

  it('says how it is started in a clone, and what to do in a project of one’s own', () => {
    const commands = [...readme.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, lines = '']) =>
      lines.split('\n'),
    )
    expect(commands.filter((line) => /^(?:npm run|npx|node|deno|bun) .*\bexamples\//.test(line))).not.toEqual(
      [],
    )
    expect(
      commands.filter((line) => /^(?:npm install|bun add|deno add) .*\bekiben\b/.test(line)),
    ).not.toEqual([])
  })

  it('links to nothing that is not there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path)
    expect(links.filter((path) => !existsSync(`${root}${folder}/${path}`))).toEqual([])
  })

  it('is started by a test', () => {
    const own = tests.filter(
      ({ path, text }) => path !== here && new RegExp(`\\b${folder}\\b(?!-)`).test(text),
    )
    expect(own).not.toEqual([])
  })

  it('stands in the README of the project', () => {
    expect(read('README.md')).toContain(`(${folder})`)
  })
})
