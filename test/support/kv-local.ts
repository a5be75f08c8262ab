import { Miniflare } from 'miniflare'
import type { KVNamespaceLike } from '../../drivers/cloudflare-kv.ts'

/** The KV that Workers get on a developer's machine. */
export interface LocalKv {
  readonly kv: KVNamespaceLike
  close(): Promise<void>
}

export async function openLocalKv(): Promise<LocalKv> {
  const script = 'export default { fetch: () => new Response(null, { status: 404 }) }'
  const miniflare = new Miniflare({ modules: true, script, kvNamespaces: ['KV'] })
  const kv = (await miniflare.getKVNamespace('KV')) as unknown as KVNamespaceLike
  return { kv, close: () => miniflare.dispose() }
}
