import { bentocacheSubject } from './bentocache-subject.ts'
import { harness } from './harness.ts'

// docs/options, `lockTimeout`: off by default and "usually not needed". Shown because its timer
// gives a waiting request something of its own to wait for, which workerd demands.
export default harness(bentocacheSubject({ lockTimeout: '2s' }))
