import type { CacheDriver, Coordination, ReadReply, ReadRequest } from './ports.ts'

/**
 * Coordination over a store that only keeps values. The coordinator keeps the headers and names the version; a value
 * is written once, under `key@version`, before its version is committed. So a value store may be slow to forget and
 * slow to show: only the version the header names is ever served, and one that does not show counts as missing.
 */
export function versionedValues(values: CacheDriver, coordination: Coordination): Coordination {
  const fill = async <Reply extends Pick<ReadReply, 'entry'>>(key: string, reply: Reply): Promise<Reply> => {
    if (!reply.entry) return reply
    const payload = await values.get(bodyKey(key, reply.entry.version))
    return { ...reply, entry: payload === undefined ? undefined : { ...reply.entry, payload } }
  }
  const read = async (request: ReadRequest): Promise<ReadReply> => {
    const reply = await coordination.read(request)
    const filled = await fill(request.key, reply)
    const absent = reply.entry && !filled.entry ? reply.entry.version : undefined
    return absent === undefined || !request.lease
      ? filled
      : coordination.read({ ...request, unusable: absent })
  }
  return {
    read,
    readMany: async (request) => {
      const { entries, page } = await coordination.readMany(request)
      const keyed = entries.map((entry, at) => ({ entry, key: request.reads[at]?.key ?? '' }))
      return { entries: await Promise.all(keyed.map(({ key, entry }) => fill(key, entry))), page }
    },
    take: async (request) => fill(request.key, await coordination.take(request)),
    commit: async (request) => {
      await values.set(bodyKey(request.key, request.version), request.payload, request.staleFor ?? undefined)
      return coordination.commit({ ...request, payload: '' })
    },
    release: (request) => coordination.release(request),
    invalidate: (request) => coordination.invalidate(request),
    pull: (request) => coordination.pull(request),
  }
}

function bodyKey(key: string, version: string): string {
  return `${key}@${version}`
}
