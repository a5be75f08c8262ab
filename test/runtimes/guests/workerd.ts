/** The Worker that runs the cases in workerd without `nodejs_compat`. */
import { env } from 'cloudflare:workers'
import type { Setup } from '../world.ts'
import { requestAt, serve } from './requests.ts'

interface Bindings {
  readonly SETUP: Setup
  readonly RESOLVED: Readonly<Record<string, string>>
}

export default {
  fetch(request: Request): Promise<Response> {
    const { SETUP, RESOLVED } = env as unknown as Bindings
    const { origin } = new URL(request.url)
    return serve(request, {
      ...SETUP,
      resolved: (specifier) => RESOLVED[specifier] ?? `${specifier} is not in the bundle`,
      request: (scene, input) => requestAt(origin, scene, input),
    })
  },
}
