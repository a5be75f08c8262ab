import { afterAll, describe, expect, test } from 'vitest'
import { BUSES, DRIVERS } from './conformance-table.ts'
import { busCases, driverCases } from './conformance/index.ts'

for (const [driver, { sample, open, stop }] of Object.entries(DRIVERS)) {
  describe(`conformance of ${driver}`, () => {
    afterAll(async () => stop?.())
    for (const { name, run } of driverCases(sample)) {
      test(name, async () => expect(run(open)).resolves.toBeUndefined())
    }
  })
}

for (const [bus, { sample, open, stop }] of Object.entries(BUSES)) {
  describe(`conformance of ${bus}`, () => {
    afterAll(async () => stop?.())
    for (const { name, run } of busCases(sample)) {
      test(name, async () => expect(run(open)).resolves.toBeUndefined())
    }
  })
}
