import type { Coordination } from '../../src/ports.ts'
import { commitCases } from './commits.ts'
import { invalidationCases } from './invalidations.ts'
import { commitManyCases } from './commit-many.ts'
import { keepCases } from './keeps.ts'
import { readManyCases } from './read-many.ts'
import { journalCases } from './journal.ts'
import { leaseCases } from './leases.ts'
import { raceCases } from './races.ts'
import { readCases } from './reads.ts'
import type { CoordinationCase } from './scene.ts'
import { subscriptionCases } from './subscriptions.ts'

/** All that is asked of a coordinator. */
export function coordinationCases({ subscribe }: Pick<Coordination, 'subscribe'>): CoordinationCase[] {
  return [
    ...journalCases(),
    ...readCases(),
    ...leaseCases(),
    ...commitCases(),
    ...keepCases(),
    ...readManyCases(),
    ...commitManyCases(),
    ...invalidationCases(),
    ...raceCases(),
    ...(subscribe ? subscriptionCases() : []),
  ]
}
