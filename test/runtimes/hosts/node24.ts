import { programs } from '../../support/programs.ts'
import { processHost } from '../process-host.ts'

export const host = processHost({
  name: 'node24',
  adapter: 'node',
  program: programs.node24,
  version: /^v24\./,
})
