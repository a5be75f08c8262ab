import { play } from './scene.ts'

export default { fetch: async (): Promise<Response> => Response.json(await play({ onWorkers: true })) }
