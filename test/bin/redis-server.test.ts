import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { root } from '../sources.ts'
import { eventually } from '../support/eventually.ts'
import { openRedis } from '../support/redis-server.ts'

vi.setConfig({ testTimeout: 30_000 })

afterEach(() => {
  vi.unstubAllEnvs()
})

/** What a server answers to a line, or the code of the error. One that dies may also close without either. */
function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${line}\r\n`))
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString().trim())
    })
    socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    socket.once('close', () => resolve('closed'))
  })
}

describe('the Redis of a test', () => {
  it('answers once it is there, forgets at a restart, and is gone when closed', async () => {
    const redis = await openRedis()
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`)
    expect(await ask(redis.port, 'SET key value')).toBe('+OK')
    await redis.kill('SIGKILL')
    expect(await ask(redis.port, 'PING')).toBe('ECONNREFUSED')
    await redis.restart()
    expect(await ask(redis.port, 'EXISTS key')).toBe(':0')
    await redis.close()
    expect(await ask(redis.port, 'PING')).toBe('ECONNREFUSED')
  })

  it('is gone when the process that started it is killed', async () => {
    const source = `
      import { openRedis } from '${root}test/support/redis-server.ts'
      console.log((await openRedis()).port)
      setTimeout(() => {}, 60_000)
    `
    const owner = spawn(process.execPath, ['--input-type=module-typescript', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [port] = (await once(owner.stdout, 'data')) as [Buffer]
    expect(await ask(Number(port), 'PING')).toBe('+PONG')
    owner.kill('SIGKILL')
    await eventually(async () => expect(await ask(Number(port), 'PING')).toBe('ECONNREFUSED'))
  })

  it('says what to install where it is missing', async () => {
    vi.stubEnv('PATH', '/nowhere')
    await expect(openRedis()).rejects.toThrow('apt-get install -y redis-server')
  })
})
