/**
 * The Durable Object of the runtime matrix, and its HTTP face for objects of any name, so that each case has its own.
 *
 *   POST /clock/<name>  stops the clock of an object, and moves it on by so many milliseconds
 */
import { env } from 'cloudflare:workers'
import { Coordinator as Plain } from '../../workers/coordinator.ts'
import { coordinatorHandler } from '../../workers/coordinator-http.ts'

export class Coordinator extends Plain {
  #stopped: number | undefined

  protected override now(): number {
    return this.#stopped ?? Date.now()
  }

  pass(ms: number): void {
    this.#stopped = this.now() + ms
  }
}

const worker: ExportedHandler = {
  async fetch(request) {
    const [, route, segment = ''] = new URL(request.url).pathname.split('/')
    const name = decodeURIComponent(segment)
    if (route === 'clock') {
      // The binding is typed for all tests of this folder by the class this one extends.
      const object = env.COORDINATOR.getByName(name) as unknown as DurableObjectStub<Coordinator>
      await object.pass(Number(await request.text()))
      return new Response('moved')
    }
    const secret = (): string | undefined => env.EKIBEN_SECRET
    return coordinatorHandler({ binding: () => env.COORDINATOR, secret, names: [name] })(request)
  },
}

export default worker
