import type { RuntimeCase } from '../world.ts'
import { adapterCases } from './adapters.ts'
import { atomicCases } from './atomic.ts'
import { behindCases } from './behind.ts'
import { boundCases } from './bounds.ts'
import { codecCases } from './codecs.ts'
import { fullCases } from './full.ts'
import { gettingCases } from './getting.ts'
import { outageCases } from './outage.ts'
import { pushCases } from './push.ts'
import { sharingCases } from './sharing.ts'
import { stalenessCases } from './staleness.ts'
import { tagCases } from './tags.ts'
import { tellingCases } from './telling.ts'
import { valueCases } from './values.ts'
import { wireCases } from './wire.ts'
import { writingCases } from './writing.ts'

/** What the cache does, by the package's public names. */
export function suiteCases(): RuntimeCase[] {
  return [
    ...adapterCases(),
    ...gettingCases(),
    ...writingCases(),
    ...stalenessCases(),
    ...tagCases(),
    ...sharingCases(),
    ...tellingCases(),
    ...behindCases(),
    ...valueCases(),
    ...codecCases(),
    ...wireCases(),
    ...fullCases(),
    ...boundCases(),
    ...atomicCases(),
    ...outageCases(),
    ...pushCases(),
  ]
}
