/**
 * The Worker of `test/remote`: the Durable Object, its HTTP face at `/cache`, and ways around that face.
 *
 *   GET  /built          how often an object was constructed; wakes none
 *   POST /rpc            one operation over RPC; body: `Rpc`
 *   POST /crash/:name    restarts an object
 *   *    /forward/:name  what a Worker does that forwards requests by mistake
 *   GET  /redirect/...   leads to the HTTP face
 */
import { env } from 'cloudflare:workers'
import { Coordinator as Plain } from '../../workers/coordinator.ts'
import { coordinatorHandler } from '../../workers/coordinator-http.ts'
import type { Rpc } from '../remote/messages.ts'

let built = 0

export class Coordinator extends Plain {
  constructor(ctx: DurableObjectState, environment: unknown) {
    super(ctx, environment)
    built++
  }

  crash(): void {
    this.ctx.abort('restarted by a test')
  }
}

const handle = coordinatorHandler({
  binding: () => env.COORDINATOR,
  secret: () => env.EKIBEN_SECRET?.split(' '),
  names: ['ekiben', 'one', 'two', 'naïve/..'],
  path: '/cache',
})

function objectOf(name: string | undefined): DurableObjectStub<Coordinator> {
  // The binding is typed for all tests of this folder by the class this one extends.
  return env.COORDINATOR.getByName(name ?? '') as unknown as DurableObjectStub<Coordinator>
}

async function callDirectly({ name, operation, request }: Rpc): Promise<unknown> {
  const object = objectOf(name)
  return (object[operation] as (request: unknown) => Promise<unknown>)(request)
}

const worker: ExportedHandler = {
  async fetch(request) {
    const { pathname } = new URL(request.url)
    const [, route, name] = pathname.split('/')
    if (route === 'cache') return handle(request)
    if (route === 'built') return Response.json(built)
    if (route === 'rpc') return Response.json(await callDirectly(await request.json()))
    if (route === 'forward') return objectOf(name).fetch(request)
    if (route === 'redirect') return Response.redirect(request.url.replace('/redirect/', '/cache/'), 307)
    if (route === 'crash') {
      try {
        await objectOf(name).crash()
      } catch {
        // The call dies with the object.
      }
      return new Response('restarted')
    }
    return new Response('no such route', { status: 404 })
  },
}

export default worker
