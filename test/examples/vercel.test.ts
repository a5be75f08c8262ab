import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { waitUntil } from '@vercel/functions'
import { EdgeRuntime } from 'edge-runtime'
import { build, type BuildOptions } from 'esbuild'
import { describe, expect, it, vi } from 'vitest'
import { root } from '../sources.ts'
import { type App, type AppOptions, appForTests } from '../support/app.ts'
import { eventually } from '../support/eventually.ts'
import { programs } from '../support/programs.ts'
import {
  factoryRuns,
  readmeCommand,
  readStale,
  readWeather,
  showsTheWeather,
  weatherApps,
  TTL_MS,
} from '../support/weather.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const FOLDER = 'examples/vercel-edge'
const environment = { PORT: '0' }
const withoutRedis = { KV_REST_API_URL: undefined, KV_REST_API_TOKEN: undefined }
/** Both with the conditions that Vercel resolves packages with. */
const EDGE: BuildOptions = {
  conditions: ['edge-light', 'browser', 'module', 'import', 'require'],
  format: 'iife',
}
const NODE: BuildOptions = { conditions: ['node', 'import'], format: 'esm', platform: 'node' }

async function bundle(path: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`${FOLDER}/${path}`],
    bundle: true,
    write: false,
    ...options,
  })
  return outputFiles?.[0]?.text ?? ''
}

/** The stand-in for Vercel on the oldest Node there is, which runs no TypeScript. */
async function onNode20(): Promise<AppOptions> {
  const url = JSON.stringify(new URL(`../../${FOLDER}/local.ts`, import.meta.url).href)
  const source = await bundle('local.ts', {
    ...NODE,
    packages: 'external',
    define: { 'import.meta.url': url },
  })
  return {
    command: [programs.node20, '--input-type=module', '--eval', source],
    env: { ...environment, ...withoutRedis },
    listens: /(http:\/\/localhost:\d+) \(Node 20\./,
  }
}

describe('as its README starts it,', () => {
  const paths = ['/weather', '/api/weather']
  const apps = weatherApps(FOLDER, () => ({ command: readmeCommand(FOLDER), env: environment }), paths)

  showsTheWeather(apps)

  it('one runtime finds what the other has put into Redis', async () => {
    const app = apps[0]!.get()
    const first = await readWeather(app, 'Yamagata', '/weather')
    const second = await readWeather(app, 'Yamagata', '/api/weather')
    expect(second).toMatchObject({ made: first.made, status: expect.stringMatching(/hit; .*detail=l2/) })
  })
})

describe('on Node 20, without Redis,', () => {
  const get = appForTests(onNode20)
  /** How often a request for that city was answered and is done with what it handed over. */
  const finished = (app: App, who: string, city: string): number =>
    app.output().split(`${who}: GET ?city=${city} is answered, and what it handed to waitUntil is done`)
      .length - 1

  it('the refresh is handed to the request that was answered', async () => {
    const app = get()
    expect(app.output()).toContain('KV_REST_API_URL is not set: what is cached stays in this instance')
    const check = async (who: string, path: string): Promise<void> => {
      const first = await readWeather(app, who, path)
      await eventually(() => expect(finished(app, who, who)).toBe(1))
      await readStale(app, first, path)
      await eventually(() => expect(finished(app, who, who)).toBe(2))
      expect(factoryRuns(app, who)).toBe(2)
      const next = await readWeather(app, who, path)
      expect(Date.parse(next.made)).toBeGreaterThan(Date.parse(first.made))
    }
    await Promise.all([check('middleware', '/weather'), check('function', '/api/weather')])
  })
})

/** What weather.ts exports, loaded where nobody gives a request context. */
interface Instance {
  answer(request: Request): Promise<Response>
  readonly bento: { flush(): Promise<void> }
}

interface Loaded extends Instance {
  readonly Request: typeof Request
  readonly said: readonly string[]
  readonly warned: readonly string[]
}

function listener() {
  const said: string[] = []
  const warned: string[] = []
  const console = { log: (line: string) => said.push(line), warn: (line: string) => warned.push(line) }
  return { said, warned, console }
}

const load: Readonly<Record<string, () => Promise<Loaded>>> = {
  async 'the edge runtime'() {
    const { said, warned, console } = listener()
    const runtime = new EdgeRuntime({
      initialCode: await bundle('weather.ts', { ...EDGE, globalName: 'app' }),
      extend: (context) => Object.assign(context, { console, process: { env: {} } }),
    })
    return { ...runtime.evaluate<Instance>('app'), Request: runtime.context.Request, said, warned }
  },
  async Node() {
    const { said, warned, console } = listener()
    vi.stubGlobal('consoleOfFunction', console)
    const code = await bundle('weather.ts', { ...NODE, define: { console: 'consoleOfFunction' } })
    const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
    const { answer, bento }: Instance = await import(/* @vite-ignore */ url)
    return { answer, bento, Request, said, warned }
  },
}

it('the work of a request goes where @vercel/functions puts what it is given', async () => {
  const { answer } = await load['Node']!()
  const requests = new AsyncLocalStorage<{ waitUntil(work: Promise<unknown>): void }>()
  const key = Symbol.for('@vercel/request-context')
  Reflect.set(globalThis, key, { get: () => requests.getStore() })
  try {
    const works: Promise<unknown>[] = []
    const own = Promise.resolve()
    const response = await requests.run({ waitUntil: (work) => void works.push(work) }, () => {
      waitUntil(own)
      return answer(new Request('http://localhost/api/weather?city=Murakami'))
    })
    expect(response.status).toBe(200)
    expect(works[0]).toBe(own)
    expect(works.length).toBeGreaterThan(1)
    await Promise.all(works)
  } finally {
    Reflect.deleteProperty(globalThis, key)
  }
})

describe.concurrent('without the context of a request', () => {
  it.for([
    ['the edge runtime', 1],
    ['Node', 0],
  ] as const)('%s holds refreshes for flush, and warns %i times', async ([name, warnings]) => {
    const { answer, bento, Request, said, warned } = await load[name]!()
    const read = async (city: string) => {
      const response = await answer(new Request(`http://localhost/weather?city=${city}`))
      const { made } = (await response.json()) as { made: string }
      return { city, made, status: response.headers.get('Cache-Status') }
    }
    const first = await Promise.all(['Sakata', 'Tsuruoka'].map(read))
    await sleep(TTL_MS + 100)
    const stale = await Promise.all(first.map(({ city }) => read(city)))
    expect(stale.map(({ made }) => made)).toEqual(first.map(({ made }) => made))
    for (const { status } of stale) expect(status).toMatch(/^ekiben; hit; ttl=-\d+; detail=l1-refresh$/)
    await bento.flush()
    // Each for the first answer, and once more behind the second.
    const asked = [...first, ...first].map(({ city }) => `asked for the weather in ${city}`)
    expect(said.filter((line) => line.startsWith('asked')).toSorted()).toEqual(asked.toSorted())
    expect(warned.filter((line) => line.includes('no request of Vercel'))).toHaveLength(warnings)
    expect(warned).toHaveLength(warnings)
    for (const { city, made } of first) expect((await read(city)).made > made).toBe(true)
  })
})
