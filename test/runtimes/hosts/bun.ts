import { programs } from '../../support/programs.ts'
import { processHost } from '../process-host.ts'

export const host = processHost({
  name: 'bun',
  adapter: 'bun',
  program: programs.bun,
  args: ['run', '--no-install'],
})
