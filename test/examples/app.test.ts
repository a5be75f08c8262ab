import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { root } from '../sources.ts'
import { type AppOptions, startApp } from '../support/app.ts'
import { eventually } from '../support/eventually.ts'

vi.setConfig({ testTimeout: 30_000 })

/** Serves HTTP beside a process of its own, which says `grandchild <pid>` and never ends. */
const SERVER = `
  import { spawn } from 'node:child_process'
  import { createServer } from 'node:http'
  const child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'])
  const server = createServer((_, response) => response.end('here')).listen(0, '127.0.0.1', () => {
    console.log('grandchild ' + child.pid)
    console.log('\\x1b[32mlistens\\x1b[0m on http://127.0.0.1:' + server.address().port + '/')
  })
`

function node(source: string): AppOptions {
  return { command: ['node', '--input-type=module', '--eval', source] }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('the app of a test', () => {
  it('answers where it says it listens, and is gone with all it has started when closed', async () => {
    const app = await startApp(node(SERVER))
    try {
      expect(await (await fetch(app.url)).text()).toBe('here')
      expect(app.output()).toContain('\nlistens on http://127.0.0.1:')
    } finally {
      await app.close()
    }
    expect(await app.ended).toEqual({ code: null, signal: 'SIGINT' })
    const [, grandchild] = await app.says(/grandchild (\d+)/)
    await eventually(() => expect(isRunning(Number(grandchild))).toBe(false))
    await expect(fetch(app.url)).rejects.toThrow('fetch failed')
  })

  it('is killed when it does not end by itself', async () => {
    const app = await startApp(node(`process.on('SIGINT', () => console.log('not now'));${SERVER}`))
    await app.close()
    expect(await app.ended).toEqual({ code: null, signal: 'SIGKILL' })
    expect(app.output()).toContain('not now')
  })

  it('takes what it has started along when it ends by itself', async () => {
    const app = await startApp(node(SERVER))
    const [, grandchild] = await app.says(/grandchild (\d+)/)
    app.signal('SIGTERM')
    expect(await app.ended).toEqual({ code: null, signal: 'SIGTERM' })
    await eventually(() => expect(isRunning(Number(grandchild))).toBe(false))
  })

  it('tells what it said when it ends before it listens', async () => {
    const started = startApp(node('console.error("no database"); process.exit(3)'))
    await expect(started).rejects.toThrow(/ended with 3 before .*It said:\nno database\n$/s)
  })

  it('tells what cannot be started', async () => {
    await expect(startApp({ command: ['no-such-program'] })).rejects.toThrow('spawn no-such-program ENOENT')
  })

  it('is gone when the process of the tests is killed', async () => {
    const source = `
      import { spawn } from 'node:child_process'
      import { endWithThisProcess } from '${root}test/support/process-group.ts'
      const child = spawn('sh', ['-c', 'sleep 60 & wait'], { detached: true, stdio: 'ignore' })
      endWithThisProcess(child)
      console.log(child.pid)
    `
    const owner = spawn('node', ['--input-type=module-typescript', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [pid] = (await once(owner.stdout, 'data')) as [Buffer]
    expect(isRunning(-Number(pid))).toBe(true)
    owner.kill('SIGKILL')
    await eventually(() => expect(isRunning(-Number(pid))).toBe(false))
  })
})
