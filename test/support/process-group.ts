import { type ChildProcess, spawn } from 'node:child_process'

/** Sends a signal to a process that leads a group, and to all in it. */
export function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // Nothing of it is left.
  }
}

/** However this process ends, the pipe to the shell ends with it, and the shell ends the group. */
export function endWithThisProcess(child: ChildProcess): void {
  if (child.pid === undefined) return
  const watcher = spawn('sh', ['-c', 'read _; kill -9 "-$0"', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  watcher.unref()
  child.on('exit', () => watcher.kill('SIGKILL'))
}
