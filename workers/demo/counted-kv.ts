/** KV tells nobody how often it was asked, so the demo counts at the binding. */
import type { KVFound, KVNamespaceLike, KVReadOptions } from '../../drivers/cloudflare-kv.ts'
import { counters } from './isolate.ts'

/** The namespace, with a count of the calls. A bulk read is one. */
export function countedKv(kv: KVNamespaceLike): KVNamespaceLike {
  const { kvCalls } = counters
  function getWithMetadata(key: string, options: KVReadOptions): Promise<KVFound>
  function getWithMetadata(keys: string[], options: KVReadOptions): Promise<Map<string, KVFound | null>>
  function getWithMetadata(asked: string | string[], options: KVReadOptions): Promise<unknown> {
    kvCalls.read += 1
    return typeof asked === 'string' ? kv.getWithMetadata(asked, options) : kv.getWithMetadata(asked, options)
  }
  return {
    getWithMetadata,
    put(key, value, options) {
      kvCalls.write += 1
      return kv.put(key, value, options)
    },
    delete(key) {
      kvCalls.delete += 1
      return kv.delete(key)
    },
    list(options) {
      kvCalls.list += 1
      return kv.list(options)
    },
  }
}
