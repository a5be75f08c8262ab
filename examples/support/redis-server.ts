import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A real Redis of one's own, for tests and examples. It keeps nothing on disk. */
export interface RedisServer {
  readonly url: string
  readonly port: number
  /**
   * Sends a signal. `SIGKILL` and `SIGTERM` are waited for; `SIGSTOP` leaves a server that accepts and never answers,
   * until `SIGCONT`.
   */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts it again, empty, on the same port. One that still runs is killed first. */
  restart(): Promise<void>
  /** Kills it and removes its folder. */
  close(): Promise<void>
}

const ATTEMPTS = 5
const WAIT_MS = 10_000

/**
 * Starts Debian's `redis-server` on a free port of 127.0.0.1 and waits until it answers. `cluster`: as the only node of
 * a cluster, which owns all slots.
 */
export async function openRedis({ cluster = false } = {}): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'ekiben-redis-'))
  const { port, process: first } = await startSomewhere(folder, cluster)
  let child = first

  async function kill(signal: NodeJS.Signals): Promise<void> {
    if (hasEnded(child)) return
    const ended = signal === 'SIGKILL' || signal === 'SIGTERM' ? once(child, 'exit') : undefined
    child.kill(signal)
    await ended
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    async restart() {
      await kill('SIGKILL')
      child = await start(port, folder, cluster)
    },
    async close() {
      await kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Another process may take a port between its choice and its use. */
async function startSomewhere(
  folder: string,
  cluster: boolean,
): Promise<{ port: number; process: ChildProcess }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    try {
      return { port, process: await start(port, folder, cluster) }
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof EndedError)) throw error
    }
  }
}

class EndedError extends Error {}

async function start(port: number, folder: string, cluster: boolean): Promise<ChildProcess> {
  const options = [
    '--port',
    port,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
    '--databases',
    '64',
  ]
  if (cluster) options.push('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1')
  const child = spawn('redis-server', options.map(String), { stdio: ['ignore', 'ignore', 'inherit'] })
  let failure: Error | undefined
  child.on('error', (error) => {
    const isMissing = 'code' in error && error.code === 'ENOENT'
    failure = isMissing
      ? new Error('redis-server is not installed: apt-get install -y redis-server', { cause: error })
      : error
  })
  if (child.pid !== undefined) endWithThisProcess(child, folder)
  const deadline = performance.now() + WAIT_MS
  while (!(await answers(port))) {
    if (failure !== undefined) throw failure
    if (hasEnded(child)) throw new EndedError(`redis-server ended with ${child.exitCode}`)
    if (performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`redis-server did not answer within ${WAIT_MS} ms`)
    }
  }
  // The port may be somebody else's, who was faster.
  if (hasEnded(child)) throw new EndedError(`redis-server ended with ${child.exitCode}`)
  if (cluster) await formCluster(port, deadline)
  return child
}

/** However this process ends, the pipe to the shell ends with it, and the shell ends the server and its folder. */
function endWithThisProcess(server: ChildProcess, folder: string): void {
  const watcher = spawn('sh', ['-c', 'read _; kill -9 "$0"; rm -rf "$1"', String(server.pid), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watcher.unref()
  server.on('exit', () => watcher.kill('SIGKILL'))
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** Gives the node all slots and waits until it believes in itself. */
async function formCluster(port: number, deadline: number): Promise<void> {
  await ask(port, 'CLUSTER ADDSLOTSRANGE 0 16383')
  while (!(await ask(port, 'CLUSTER INFO')).includes('cluster_state:ok')) {
    if (performance.now() > deadline) throw new Error(`the cluster did not form within ${WAIT_MS} ms`)
  }
}

/** Sends one inline command and gives what comes first of its answer. */
async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`))
  const [data] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return String(data)
}

/** Whether something on the port answers PING. Takes at least 10 ms if nothing does. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const settle = (answer: boolean) => {
      socket.destroy()
      setTimeout(resolve, answer ? 0 : 10, answer)
    }
    socket.once('data', (data) => settle(data.toString() === '+PONG\r\n'))
    socket.once('error', () => settle(false))
    socket.once('end', () => settle(false))
    socket.setTimeout(1000, () => settle(false))
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
