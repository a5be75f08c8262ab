import { play } from './scene.ts'

await play({ onWorkers: false })
