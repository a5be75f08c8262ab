import { programs } from '../../support/programs.ts'
import { processHost } from '../process-host.ts'

export const host = processHost({
  name: 'deno',
  adapter: 'deno',
  program: programs.deno,
  args: [
    'run',
    '--no-prompt',
    '--cached-only',
    '--node-modules-dir=manual',
    '--allow-env',
    '--allow-net=127.0.0.1',
  ],
})
