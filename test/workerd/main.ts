// The Worker that vitest runs the tests of this folder in: it exists to bind the Durable Object.
export { Coordinator } from '../../workers/coordinator.ts'

export default {
  fetch(): Response {
    return new Response('Nothing is served here; call the bindings.', { status: 404 })
  },
}
