import { fileURLToPath } from 'node:url'
import type { NextConfig } from 'next'

const here = (file: string): string => fileURLToPath(new URL(`cache/${file}`, import.meta.url))

const config: NextConfig = {
  cacheComponents: true,
  partialPrefetching: true,
  // `'use cache'` and `'use cache: remote'`.
  cacheHandlers: { default: here('use-cache-handler.ts'), remote: here('use-cache-handler.ts') },
  // Answers of pages and routes, `fetch`, `unstable_cache`.
  cacheHandler: here('page-cache-handler.ts'),
  // Next would keep pages in a memory of its own as well, which hears of no other process.
  cacheMaxMemorySize: 0,
  // Imports say which file they mean, and this repository checks types by itself.
  typescript: { ignoreBuildErrors: true },
}

export default config
