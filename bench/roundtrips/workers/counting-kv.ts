/** Stands between the isolates and the KV namespace and counts what reaches it. Each method is one call of KV. */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { KVFound, KVNamespaceLike, KVPage, KVReadOptions } from '../../../drivers/cloudflare-kv.ts'

let calls = 0

interface Bindings {
  readonly KV: KVNamespaceLike
}

export class CountingKv extends WorkerEntrypoint<Bindings> {
  async getWithMetadata(
    key: string & string[],
    options: KVReadOptions,
  ): Promise<KVFound | Map<string, KVFound | null>> {
    calls++
    return this.env.KV.getWithMetadata(key, options)
  }

  async put(key: string, value: string, options: object): Promise<void> {
    calls++
    await this.env.KV.put(key, value, options)
  }

  async delete(key: string): Promise<void> {
    calls++
    await this.env.KV.delete(key)
  }

  async list(options: { prefix: string; cursor?: string | null }): Promise<KVPage> {
    calls++
    return this.env.KV.list(options)
  }
}

/** `GET` tells the count, `DELETE` begins anew. */
export default {
  fetch(request: Request): Response {
    if (request.method === 'DELETE') calls = 0
    return Response.json(calls)
  },
}
