import { availableParallelism } from 'node:os'
import { cloudflareTest } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'
import { aliases } from './test/runtimes/for-pool.ts'

const shared = { retry: 0, passWithNoTests: false, allowOnly: false, dangerouslyIgnoreUnhandledErrors: false }

export default defineConfig({
  test: {
    reporters: ['default', './test/tally.ts'],
    passWithNoTests: false,
    // One more than vitest takes on two cores: most of the time a file waits, for clocks and for other processes.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          ...shared,
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/workerd/**'],
        },
      },
      {
        plugins: [
          cloudflareTest({
            main: './test/workerd/main.ts',
            miniflare: {
              compatibilityDate: '2026-07-01',
              durableObjects: { COORDINATOR: { className: 'Coordinator', useSQLite: true } },
            },
          }),
        ],
        resolve: { alias: aliases },
        test: {
          ...shared,
          name: 'workerd',
          include: ['test/workerd/**/*.test.ts'],
          globalSetup: './test/runtimes/for-pool.ts',
        },
      },
    ],
  },
})
