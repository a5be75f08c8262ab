import { programs } from '../../support/programs.ts'
import { processHost } from '../process-host.ts'

export const host = processHost({
  name: 'node20',
  adapter: 'node',
  program: programs.node20,
  version: /^v20\./,
})
