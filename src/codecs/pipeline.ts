import { invalid } from '../options.ts'
import { fromBase64, toBase64 } from './base64.ts'
import type { CodecStage, PayloadCodec, PayloadPlace } from './codec.ts'

/** What a payload begins with that steps have changed: `b;<ids>\n<base64>`. */
const MARK = 'b;'

/**
 * Makes a codec of steps: what is written goes through them in their order, what is read through those it went through, in
 * reverse. Which these were stands before it. What no step changed is stored as it is.
 *
 * Each step is given what the payload is about: its key and namespace, and the steps up to itself.
 *
 * @throws {@link InvalidOptionError} for what is no step, and for two of one kind.
 * @example
 * ```ts
 * import { bentostore } from 'ekiben'
 * import { codecs, compression, encryption } from 'ekiben/codecs'
 * import { upstashDriver } from 'ekiben/drivers/upstash'
 *
 * const makeStore = (env: { URL: string; TOKEN: string; CACHE_KEY: string }) =>
 *   bentostore({
 *     codec: codecs(compression(), encryption({ keys: [{ id: '2026', secret: env.CACHE_KEY }] })),
 *   }).useL2Layer(upstashDriver({ url: env.URL, token: env.TOKEN }))
 * ```
 */
export function codecs(...stages: readonly CodecStage[]): PayloadCodec {
  stages.forEach((stage, at) => {
    if (typeof (stage as Partial<CodecStage> | undefined)?.decode !== 'function')
      invalid(`codecs[${at}]`, stage, 'a step such as compression() or encryption()')
    if (stages.some((other, index) => index < at && other.knows(stage.id)))
      invalid(`codecs[${at}]`, stage, 'one step of a kind')
  })
  return {
    seal: (payload, place) => seal(stages, payload, place),
    open: (stored, place) => open(stages, stored, place),
  }
}

async function seal(stages: readonly CodecStage[], payload: string, place: PayloadPlace): Promise<string> {
  let bytes = new TextEncoder().encode(payload)
  const ids: string[] = []
  for (const stage of stages) {
    const changed = await stage.encode(bytes, aboutOf(place, [...ids, stage.id]))
    if (!changed) continue
    bytes = changed
    ids.push(stage.id)
  }
  return ids.length === 0 ? payload : `${MARK}${ids.join()}\n${toBase64(bytes)}`
}

async function open(
  stages: readonly CodecStage[],
  stored: string,
  place: PayloadPlace,
): Promise<string | undefined> {
  const end = stored.indexOf('\n')
  const ids = stored.startsWith(MARK) && end > 0 ? stored.slice(MARK.length, end).split(',') : []
  const places = ids.map((id) => stages.findIndex((stage) => stage.knows(id)))
  // Each step once and in its order: nothing is undone that was never done like this.
  if (places.some((at, index) => at <= (places[index - 1] ?? -1))) return undefined
  if (stages.some(({ required }, at) => required && !places.includes(at))) return undefined
  if (ids.length === 0) return stored
  let bytes = fromBase64(stored.slice(end + 1))
  for (let at = ids.length - 1; at >= 0; at--) {
    const stage = stages[places[at] as number] as CodecStage
    bytes = await stage.decode(bytes, aboutOf(place, ids.slice(0, at + 1)), ids[at] as string)
  }
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
}

/** Texts are told apart by JSON: no two places have the same. */
function aboutOf({ key, namespace }: PayloadPlace, before: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify([key, namespace, ...before]))
}
