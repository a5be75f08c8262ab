import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** A registry that speaks JSR's protocol to `deno publish`, and gives what was published to whoever imports it. */
export interface JsrRegistry {
  readonly url: string
  /** What was uploaded: contents by path, such as `/src/index.ts`. */
  readonly files: ReadonlyMap<string, string>
  close(): Promise<void>
}

interface Published {
  readonly name: string
  readonly version: string
  readonly files: ReadonlyMap<string, string>
}

/** Answers on a free port. It keeps one version of one package: the last that was uploaded. */
export async function openJsrRegistry(): Promise<JsrRegistry> {
  let published: Published | undefined
  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => {
      send(response, 500, { code: 'broken', message: String(error) })
    })
  })

  // https://jsr.io/docs/api, as far as Deno asks.
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://registry.test')
    const upload = /^\/api\/scopes\/([\w-]+)\/packages\/([\w-]+)\/versions\/([\w.-]+)$/.exec(pathname)
    if (request.method === 'POST' && upload) {
      const [, scope, name, version = ''] = upload
      if (request.headers.authorization === undefined || !searchParams.has('config'))
        throw new Error('what JSR asks of an upload is missing')
      published = { name: `@${scope}/${name}`, version, files: untar(gunzipSync(await bodyOf(request))) }
      send(response, 200, { id: 'task', status: 'success', error: null })
    } else if (/^\/api\/scopes\/[\w-]+\/packages\/[\w-]+$/.test(pathname)) send(response, 200, {})
    else if (published) sendPublished(response, pathname, published)
    else send(response, 404, {})
  }

  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    get files() {
      return published?.files ?? new Map()
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}

function sendPublished(response: ServerResponse, path: string, { name, version, files }: Published): void {
  if (path === `/${name}/meta.json`) {
    send(response, 200, { latest: version, versions: { [version]: {} } })
  } else if (path === `/${name}/${version}_meta.json`) {
    const { exports } = JSON.parse(files.get('/jsr.json') ?? '{}') as { exports?: unknown }
    const entries = [...files].map(([file, text]) => {
      const checksum = `sha256-${createHash('sha256').update(text).digest('hex')}`
      return [file, { size: Buffer.byteLength(text), checksum }]
    })
    send(response, 200, { manifest: Object.fromEntries(entries), exports })
  } else {
    const text = files.get(path.replace(`/${name}/${version}`, ''))
    send(response, text === undefined ? 404 : 200, text ?? '')
  }
}

function send(response: ServerResponse, status: number, body: object | string): void {
  response.statusCode = status
  response.setHeader('content-type', typeof body === 'string' ? 'text/plain' : 'application/json')
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** Files of a tar archive of the plain kind, which is what Deno makes: a header of 512 bytes, contents in blocks of as many. */
function untar(archive: Buffer): Map<string, string> {
  const files = new Map<string, string>()
  const text = (from: number, length: number): string =>
    archive.toString('utf8', from, from + length).replace(/\0.*$/s, '')
  for (let at = 0; at + 512 <= archive.length && archive[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    const kind = text(at + 156, 1)
    if (kind !== '0' && kind !== '') throw new Error(`unknown kind of entry ${kind}`)
    const path = [text(at + 345, 155), text(at, 100)].filter((part) => part !== '').join('/')
    files.set(path.replace(/^\.?\/?/, '/'), archive.toString('utf8', at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}
