import { answer } from './weather.js'

// Routing Middleware, which Vercel runs in its edge runtime, before its own cache. It answers this path by itself.
export const config = { matcher: '/weather' }

export default answer
