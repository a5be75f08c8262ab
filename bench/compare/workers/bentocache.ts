import { bentocacheSubject } from './bentocache-subject.ts'
import { harness } from './harness.ts'

export default harness(bentocacheSubject({}))
