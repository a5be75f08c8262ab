import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Metafile } from 'esbuild'
import { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { root } from '../sources.ts'
import { appForTests } from '../support/app.ts'

const run = promisify(execFile)
const config = join(root, 'examples/worker-with-node-library/wrangler.toml')

describe('the Worker with a library written for Node', () => {
  let folder: string
  let metafile: Metafile
  let script: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekiben-node-library-'))
    const wrangler = join(root, 'node_modules/wrangler/bin/wrangler.js')
    const args = [
      'deploy',
      '--config',
      config,
      '--dry-run',
      '--outdir',
      folder,
      '--metafile',
      join(folder, 'meta.json'),
    ]
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: folder }
    await run(process.execPath, [wrangler, ...args], { cwd: folder, env })
    script = await readFile(join(folder, 'worker.js'), 'utf8')
    metafile = JSON.parse(await readFile(join(folder, 'meta.json'), 'utf8')) as Metafile
  }, 60_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** Who imports a module of Node, or what unenv has in its place. */
  function importersOfNode(): string[] {
    const ofNode = /^(?:node-built-in-modules|node):|unenv/
    return Object.entries(metafile.inputs)
      .filter(([, { imports }]) => imports.some(({ path }) => ofNode.test(path)))
      .map(([path]) => path.replace(/^(?:\.\.\/)*/, ''))
  }

  /** Starts the bundle as it is on workerd, with these flags. */
  function start(compatibilityFlags: string[]): Miniflare {
    return new Miniflare({
      modules: [{ type: 'ESModule', path: 'worker.js', contents: script }],
      // What workerd says of a Worker that cannot start is in the error.
      handleStructuredLogs: () => {},
      compatibilityDate: '2026-07-01',
      compatibilityFlags,
      durableObjects: { COORDINATOR: { className: 'Coordinator', useSQLite: true } },
    })
  }

  it('needs Node for the library, and not for the cache', () => {
    const importers = importersOfNode()
    expect(importers.some((path) => path.includes('node_modules/yazl/'))).toBe(true)
    // The application itself asks for `node:stream/consumers`.
    expect(importers.filter((path) => !/node_modules\/|worker\.ts$/.test(path))).toEqual([])
    const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
    expect(imported).toEqual(expect.arrayContaining(['fs', 'stream', 'zlib', 'node:stream/consumers']))
  })

  it('starts with nodejs_compat and not without', async () => {
    const [bare, compatible] = [start([]), start(['nodejs_compat'])]
    try {
      await expect(bare.ready).rejects.toThrow(/No such module \\"fs\\"/)
      const response = await compatible.dispatchFetch('http://menus.test/menus/hokuriku.zip')
      expect(response.status).toBe(200)
    } finally {
      await Promise.allSettled([bare.dispose(), compatible.dispose()])
    }
  })

  describe('served by wrangler', () => {
    const app = appForTests(() => ({
      command: [
        'wrangler',
        'dev',
        '--config',
        config,
        '--port',
        '0',
        '--inspector-port',
        '0',
        '--persist-to',
        folder,
      ],
    }))

    async function archive(line: string): Promise<Buffer> {
      const response = await fetch(`${app().url}/menus/${line}.zip`)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toBe('application/zip')
      const bytes = Buffer.from(await response.arrayBuffer())
      // What archives begin with, and how their directory ends.
      expect(bytes.subarray(0, 4).toString('latin1')).toBe('PK\u0003\u0004')
      expect(bytes.subarray(-22, -18).toString('latin1')).toBe('PK\u0005\u0006')
      return bytes
    }

    it('packs on a miss, keeps the bytes, and packs anew once the tag was dropped', async () => {
      const packed = (): number => app().output().split('packed the menus of the tokaido line').length - 1
      const first = await archive('tokaido')
      expect(first.includes('tokaido/Kanazawa.txt')).toBe(true)
      expect((await archive('tokaido')).equals(first)).toBe(true)
      const other = await archive('joetsu')
      const dropped = await fetch(`${app().url}/menus/tokaido.zip`, { method: 'DELETE' })
      expect(dropped.status).toBe(204)
      const second = await archive('tokaido')
      expect(second.equals(first)).toBe(false)
      expect((await archive('tokaido')).equals(second)).toBe(true)
      expect((await archive('joetsu')).equals(other)).toBe(true)
      await app().says(/(packed the menus of the tokaido line.*){2}/s)
      expect(packed()).toBe(2)
    })

    it('gives everyone who asks at once the same archive', async () => {
      const archives = await Promise.all(Array.from({ length: 10 }, () => archive('sanyo')))
      expect(archives.every((bytes) => bytes.equals(archives[0]!))).toBe(true)
    })
  })
})
