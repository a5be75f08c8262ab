/** Runs the cases in a process, whoever runs it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { allCases } from '../cases.ts'
import { runProcess } from '../run-process.ts'
import { play } from '../scenes.ts'

interface VercelRequest {
  waitUntil(work: Promise<unknown>): void
}

// A function on Vercel is a process as well. Its platform keeps requests apart like this, for all that run at a time.
const requests = new AsyncLocalStorage<VercelRequest>()
Object.defineProperty(globalThis, Symbol.for('@vercel/request-context'), {
  value: { get: () => requests.getStore() },
})

await runProcess(allCases, {
  resolved: (specifier) => import.meta.resolve(specifier),
  request: async (scene, input) => {
    const works: Promise<unknown>[] = []
    const request: VercelRequest = { waitUntil: (work) => void works.push(work) }
    const value = await requests.run(request, () => play(scene, input))
    return { value, given: works.length }
  },
})
