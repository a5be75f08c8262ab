import { answer } from '../weather.js'

// A function of Node on Fluid compute, at /api/weather.
export { answer as GET, answer as DELETE }
