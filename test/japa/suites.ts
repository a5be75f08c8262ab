import { test } from '@japa/runner'
import { registerCacheDriverTestSuite as bentocaches } from 'bentocache/test_suite'
import { MemoryDriver } from '../../drivers/memory.ts'
import { registerCacheDriverTestSuite as ours } from '../conformance/driver-test-suite.ts'

class Liar extends MemoryDriver {
  override delete(key: string): boolean {
    super.delete(key)
    return true
  }
}

const shared = process.argv.includes('liar') ? new Liar() : new MemoryDriver()
const createDriver = ({ prefix = 'japa' }: { prefix?: string } = {}): MemoryDriver => {
  const driver = shared.namespace(prefix)
  return shared instanceof Liar ? Object.setPrototypeOf(driver, Liar.prototype) : driver
}

test.group('bentocache/test_suite', (group) => bentocaches({ test, group, createDriver }))
test.group('ekiben/test_suite', (group) => ours({ test, group, createDriver }))
