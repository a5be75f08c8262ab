import { MemoryTransport, memory } from '@boringnode/bus/transports/memory'
import { describe, expect, test } from 'vitest'
import { memoryDriver } from '../../drivers/memory.ts'
import { transportBusDriver } from '../../drivers/transport-bus.ts'
import { BentoCache, bentostore } from '../../src/index.ts'

describe('transportBusDriver', () => {
  test('makes a store of the plain import hear others, without anything being loaded for it', async () => {
    const make = (): BentoCache =>
      new BentoCache({
        default: 'driver',
        stores: { driver: bentostore().useL1Layer(memoryDriver()).useBus(transportBusDriver(memory())) },
      })
    const [a, b] = [make(), make()]
    await a.set({ key: 'k', value: 'old' })
    await b.delete({ key: 'k' })
    await new Promise((resolve) => void setImmediate(resolve))
    expect(await a.get({ key: 'k' })).toBeUndefined()
    await Promise.all([a.disconnectAll(), b.disconnectAll()])
  })

  test('takes a transport, or a function that makes one when the store is first used', () => {
    let made = 0
    const driver = transportBusDriver(() => (made++, new MemoryTransport()))
    expect(made).toBe(0)
    expect(driver.factory({})).toBeInstanceOf(MemoryTransport)
    const transport = new MemoryTransport()
    expect(transportBusDriver(transport).factory({})).toBe(transport)
  })

  test.each([undefined, null, {}, 'redis', { publish: () => {} }])('refuses %j at once', (transport) => {
    expect(() => transportBusDriver(transport as never)).toThrow(
      expect.objectContaining({ code: 'E_INVALID_OPTION', option: 'transport' }),
    )
  })

  test('refuses a function that makes none when it is first used', () => {
    const driver = transportBusDriver((() => undefined) as never)
    expect(() => driver.factory({})).toThrow(expect.objectContaining({ option: 'transport' }))
  })

  test.each([
    ['retryQueue', 7],
    ['retryQueue.enabled', { enabled: 'yes' }],
    ['retryQueue.maxSize', { maxSize: 0 }],
    ['retryQueue.maxSize', { maxSize: 1.5 }],
    ['retryQueue.retryInterval', { retryInterval: 'soon' }],
    ['retryQueue.retryInterval', { retryInterval: -1 }],
  ])('refuses a wrong %s', (option, retryQueue) => {
    expect(() => transportBusDriver(memory(), { retryQueue } as never)).toThrow(
      expect.objectContaining({ code: 'E_INVALID_OPTION', option }),
    )
  })
})
