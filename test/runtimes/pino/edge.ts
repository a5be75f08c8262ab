import { play } from './scene.ts'

Object.assign(globalThis, { play: () => play({ onWorkers: true }) })
