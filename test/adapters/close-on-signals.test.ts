import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it, vi } from 'vitest'
import { closeOnSignals, errors } from '../../adapters/node.ts'
import { BentoCache, bentostore } from '../../src/index.ts'
import { root } from '../sources.ts'
import type { Scene } from '../support/closing-process.ts'
import { eventually } from '../support/eventually.ts'

// Processes take their time on a machine that is busy.
vi.setConfig({ testTimeout: 30_000 })

const children: ChildProcess[] = []

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A real process, and what it has said. It is there once it has served the stale value. */
async function start(
  scene: Scene,
): Promise<{ child: ChildProcess; said: string[]; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, ['test/support/closing-process.ts', JSON.stringify(scene)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const said: string[] = []
  child.stdout.on('data', (data) => said.push(...String(data).trim().split('\n')))
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  await eventually(() => expect(said).toEqual(['old']))
  return { child, said, ended }
}

it('waits for what goes on behind answers, then lets the signal end the process', async () => {
  const { child, said, ended } = await start({ refresh: 100 })
  child.kill('SIGTERM')
  expect(await ended).toBe('SIGTERM')
  expect(said).toEqual(['old', 'first', 'refreshed'])
})

it('does the same for Ctrl-C', async () => {
  const { child, said, ended } = await start({ refresh: 100 })
  child.kill('SIGINT')
  expect(await ended).toBe('SIGINT')
  expect(said).toEqual(['old', 'first', 'refreshed'])
})

it('waits no longer than its timeout', async () => {
  const { child, said, ended } = await start({ timeout: '50ms' })
  child.kill('SIGTERM')
  expect(await ended).toBe('SIGTERM')
  expect(said).toEqual(['old', 'first'])
})

it('does not hold up a second signal', async () => {
  const { child, said, ended } = await start({ timeout: '1h' })
  child.kill('SIGTERM')
  await eventually(() => expect(said).toContain('first'))
  child.kill('SIGTERM')
  expect(await ended).toBe('SIGTERM')
})

it.each(['on', 'once'] as const)('leaves the end to who else listens, by %s', async (ownListener) => {
  const { child, said, ended } = await start({ refresh: 100, ownListener })
  child.kill('SIGTERM')
  expect(await ended).toBe(3)
  expect(said.toSorted()).toEqual(['first', 'old', 'own listener', 'refreshed'])
})

it('of several caches waits for all', async () => {
  const { child, said, ended } = await start({ refresh: 100, other: true })
  child.kill('SIGTERM')
  expect(await ended).toBe('SIGTERM')
  expect(said).toEqual(['old', 'first', 'refreshed'])
})

it('loses no work when what comes first fails', async () => {
  const { child, said, ended } = await start({ refresh: 100, first: 'fails' })
  child.kill('SIGTERM')
  expect(await ended).toBe('SIGTERM')
  expect(said).toEqual(['old', 'first', 'refreshed'])
})

it('waits for what comes first, too', async () => {
  const { child, said, ended } = await start({ refresh: 0, first: 'waits' })
  child.kill('SIGTERM')
  expect(await ended).toBe('SIGTERM')
  expect(said).toEqual(['old', 'first', 'refreshed', 'closed'])
})

it('does nothing once it is taken back', async () => {
  const { child, said, ended } = await start({ takenBack: true })
  child.kill('SIGTERM')
  expect(await ended).toBe('SIGTERM')
  expect(said).toEqual(['old'])
})

it('refuses a timeout that is none, and then listens to nothing', () => {
  const bento = new BentoCache({ default: 'main', stores: { main: bentostore() } })
  const before = process.listenerCount('SIGTERM')
  expect(() => closeOnSignals(bento, { timeout: 'soon' })).toThrow(errors.E_INVALID_OPTION)
  expect(process.listenerCount('SIGTERM')).toBe(before)
})
