import type { Settings } from './options.ts'
import type { CreateDriverResult } from './ports.ts'

/** Makes the driver of a layer. Its own prefix stands above the store's. */
export function makeLayer<Driver>(layer: CreateDriverResult<Driver>, { prefix }: Settings): Driver {
  return layer.factory({ ...layer.options, prefix: layer.options['prefix'] ?? prefix })
}
