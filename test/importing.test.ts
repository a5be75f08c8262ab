import { Miniflare } from 'miniflare'
import { describe, expect, it } from 'vitest'

import { bundle } from '../bench/size/bundle.ts'
import { edgeSources } from './sources.ts'
import { scriptOf, touchedBy } from './trapped-realm.ts'

describe('importing a published module', () => {
  it.each(edgeSources())('touches no clock, timer, randomness or I/O: %s', async (path) => {
    expect(touchedBy(await scriptOf(path))).toEqual([])
  })

  it('and building a cache from it touches none either', async () => {
    expect(touchedBy(await scriptOf('bench/size/worker.ts'))).toEqual([])
  })

  it.each(edgeSources())('is allowed at module scope in workerd without Node: %s', async (path) => {
    const { code } = await bundle({ file: path, platform: ['cloudflare:workers'] })
    const miniflare = new Miniflare({
      compatibilityDate: '2026-07-01',
      modules: [
        {
          type: 'ESModule',
          path: 'main.js',
          contents: `import * as all from './module.js'; export default { fetch: () => Response.json(Object.keys(all)) }`,
        },
        { type: 'ESModule', path: 'module.js', contents: code },
      ],
    })
    try {
      const response = await miniflare.dispatchFetch('http://cache.test/')
      expect(response.status).toBe(200)
    } finally {
      await miniflare.dispose()
    }
  })
})

describe('the trap', () => {
  it.each([
    ['Date.now', 'Date.now()'],
    ['new Date()', 'new Date()'],
    ['Math.random', 'Math.random()'],
    ['crypto', 'crypto.randomUUID()'],
    ['crypto', 'globalThis.crypto?.randomUUID()'],
    ['performance', 'typeof performance'],
    ['setTimeout', 'setTimeout(() => {}, 1)'],
    ['setInterval', 'setInterval(() => {}, 1)'],
    ['queueMicrotask', 'queueMicrotask(() => {})'],
    ['fetch', `fetch('http://cache.test')`],
    ['AbortController', 'new AbortController()'],
    ['Response', 'Response.json(1)'],
    ['PROMISE', 'Promise.resolve()'],
    ['PROMISE', '(async () => {})()'],
    ['ReferenceError: require is not defined', `require('fs')`],
  ])('catches %s in %s', (name, code) => {
    expect(touchedBy(code)).toContain(name)
  })

  it('lets plain construction through', () => {
    const code = 'class Failure extends Error {}; new Failure(); new Map(); new TextEncoder(); new Date(0)'
    expect(touchedBy(code)).toEqual([])
  })
})
