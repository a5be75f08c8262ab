import { env } from 'cloudflare:workers'
import { buffer } from 'node:stream/consumers'
import { BentoCache, bentostore } from 'ekiben'
import { durableObjectDriver } from 'ekiben/drivers/durable-object'
import { memoryDriver } from 'ekiben/drivers/memory'
import { binary } from 'ekiben/serializers'
import { ZipFile } from 'yazl'

export { Coordinator } from 'ekiben/workers/coordinator'

const bento = new BentoCache({
  default: 'main',
  stores: {
    // Archives are bytes.
    main: bentostore({ ttl: '1h', serializer: binary() })
      .useL1Layer(memoryDriver({ maxSize: '32mb' }))
      .useL2Layer(durableObjectDriver({ binding: () => env.COORDINATOR })),
  },
})

/** Slow: all menus of a line, packed. The library is written for Node; its streams and zlib are those of `nodejs_compat`. */
async function pack(line: string): Promise<Uint8Array<ArrayBuffer>> {
  const zip = new ZipFile()
  const cooked = new Date()
  for (const station of ['Tokyo', 'Nagano', 'Kanazawa']) {
    const menu = `${line} line, ${station}: a bento for the way.\n`.repeat(200)
    zip.addBuffer(Buffer.from(menu), `${line}/${station}.txt`, { mtime: cooked })
  }
  zip.addBuffer(Buffer.from(crypto.randomUUID()), 'batch.txt', { compress: false })
  zip.end()
  console.log(`packed the menus of the ${line} line`)
  return new Uint8Array(await buffer(zip.outputStream))
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    const [, line] = /^\/menus\/([\w-]{1,40})\.zip$/.exec(pathname) ?? []
    if (line === undefined) return new Response('Try /menus/hokuriku.zip\n', { status: 404 })
    const tags = [`line:${line}`]
    if (request.method === 'DELETE') {
      // `false` where the Durable Object could not be told, so that nobody takes it for done.
      return new Response(null, { status: (await bento.deleteByTag({ tags })) ? 204 : 503 })
    }
    const archive = await bento.getOrSet({ key: `menus:${line}`, tags, factory: () => pack(line) })
    return new Response(archive, { headers: { 'Content-Type': 'application/zip' } })
  },
}
