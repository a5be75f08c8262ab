/** The function that runs the cases in the edge runtime of Vercel. */
import type { Setup } from '../world.ts'
import { requestAt, serve } from './requests.ts'

interface FetchEvent extends Event {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}

declare const EKIBEN_SETUP: Setup
declare const EKIBEN_RESOLVED: Readonly<Record<string, string>>

addEventListener('fetch', (event) => {
  const { request, respondWith } = event as FetchEvent
  const { origin } = new URL(request.url)
  const answer = serve(request, {
    ...EKIBEN_SETUP,
    resolved: (specifier) => EKIBEN_RESOLVED[specifier] ?? `${specifier} is not in the bundle`,
    request: (scene, input) => requestAt(origin, scene, input),
  })
  respondWith.call(event, answer)
})
