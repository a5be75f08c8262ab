/** What both caches can do, as far as a script uses it. */
export interface AnyCache {
  get(options: object): Promise<unknown>
  set(options: object): Promise<unknown>
  setForever(options: object): Promise<unknown>
  getOrSet(options: object): Promise<unknown>
  getOrSetForever(options: object): Promise<unknown>
  has(options: object): Promise<unknown>
  missing(options: object): Promise<unknown>
  pull(key: string): Promise<unknown>
  delete(options: object): Promise<unknown>
  deleteMany(options: object): Promise<unknown>
  deleteByTag(options: object): Promise<unknown>
  expire(options: object): Promise<unknown>
  clear(): Promise<unknown>
  namespace(name: string): AnyCache
}

/** One script of operations, and its name. `grace`: what its stores have. */
export interface Script {
  readonly name: string
  readonly grace: boolean
  /** The stacks it is for, where not for all. */
  readonly stacks?: readonly Stacked[]
  /** Two of its operations run at once, so the order of their messages is no promise. */
  readonly atOnce?: true
  run(cache: AnyCache, settle: () => Promise<void>): Promise<unknown>
}

export type Stacked = 'L1 alone' | 'L1 and L2' | 'L2 alone'

const failing = (): Promise<never> => Promise.reject(new Error('origin down'))
/** What an operation came to, so that a failure does not end its script. */
const outcome = (work: Promise<unknown>): Promise<unknown> => work.catch((error: Error) => error.message)

function script(name: string, run: Script['run'], more: Partial<Script> = {}): Script {
  return { name, grace: false, run, ...more }
}

function callers(...keys: string[]): Script['run'] {
  const factory = async (): Promise<number> => 1
  return (cache) => Promise.all(keys.map((key) => cache.getOrSet({ key, factory })))
}

/** Scripts whose messages and counts are compared. Nothing in them hangs on time. */
export const SCRIPTS: readonly Script[] = [
  script('get, before and after a set', async (cache) => [
    await cache.get({ key: 'k' }),
    await cache.set({ key: 'k', value: 1 }),
    await cache.get({ key: 'k' }),
    await cache.get({ key: 'nobody', defaultValue: 7 }),
  ]),
  script('getOrSet that finds nothing, and then something', async (cache) => [
    await cache.getOrSet({ key: 'k', factory: () => 1 }),
    await cache.getOrSet({ key: 'k', factory: () => 2 }),
    await cache.getOrSetForever({ key: 'f', factory: async () => 3 }),
    await cache.setForever({ key: 'f', value: 4 }),
    await cache.getOrSet({ key: 'k', factory: () => 5, forceFresh: true }),
  ]),
  script('has and missing', async (cache) => [
    await cache.has({ key: 'k' }),
    await cache.set({ key: 'k', value: 1 }),
    await cache.has({ key: 'k' }),
    await cache.missing({ key: 'k' }),
  ]),
  script('delete, deleteMany, expire and clear', async (cache) => [
    await cache.set({ key: 'a', value: 1 }),
    await cache.delete({ key: 'a' }),
    await cache.delete({ key: 'nobody' }),
    await cache.deleteMany({ keys: ['a', 'b'] }),
    await cache.expire({ key: 'a' }),
    await cache.clear(),
  ]),
  script('pull of something and of nothing', async (cache) => [
    await cache.set({ key: 'a', value: 1 }),
    await cache.pull('a'),
    await cache.pull('a'),
  ]),
  script('namespaces, one in another', async (cache) => {
    const users = cache.namespace('users')
    const admins = users.namespace('admins')
    return [
      await users.set({ key: '1', value: 1 }),
      await admins.getOrSet({ key: '2', factory: () => 2 }),
      await users.get({ key: '1' }),
      await admins.deleteMany({ keys: ['2', '3'] }),
      await users.clear(),
    ]
  }),
  script('a factory that fails', async (cache) => [
    await outcome(cache.getOrSet({ key: 'k', factory: failing })),
    await outcome(
      cache.getOrSet({
        key: 'k',
        factory: ({ fail }: { fail: (message: string) => void }) => fail('no stock'),
      }),
    ),
  ]),
  script('a factory that gives nothing to keep', async (cache) => [
    await cache.getOrSet({ key: 'k', factory: ({ skip }: { skip: () => undefined }) => skip() }),
    await cache.get({ key: 'k' }),
    typeof (await outcome(cache.set({ key: 'k', value: undefined }))),
    typeof (await outcome(cache.getOrSet({ key: 'k', factory: () => undefined }))),
  ]),
  script(
    'an expired value, read',
    async (cache) => [
      await cache.set({ key: 'k', value: 1 }),
      await cache.expire({ key: 'k' }),
      await cache.get({ key: 'k' }),
      await cache.has({ key: 'k' }),
    ],
    { grace: true },
  ),
  script(
    'an expired value, refreshed behind the answer',
    async (cache, settle) => {
      await cache.set({ key: 'k', value: 1 })
      await cache.expire({ key: 'k' })
      const stale = await cache.getOrSet({ key: 'k', factory: () => 2 })
      await settle()
      return [stale, await cache.get({ key: 'k' })]
    },
    // The answer, and the refresh behind it.
    { grace: true, atOnce: true },
  ),
  script(
    'an expired value, refreshed before the answer',
    async (cache) => [
      await cache.set({ key: 'k', value: 1 }),
      await cache.expire({ key: 'k' }),
      await cache.getOrSet({ key: 'k', factory: () => 2, timeout: null }),
    ],
    { grace: true },
  ),
  script(
    'an expired value in place of a failed factory',
    async (cache) => [
      await cache.set({ key: 'k', value: 1 }),
      await cache.expire({ key: 'k' }),
      await cache.getOrSet({ key: 'k', factory: failing, timeout: null }),
    ],
    { grace: true },
  ),
  script('two callers of one factory', callers('k', 'k'), { atOnce: true }),
  script('callers of two keys at once', callers('a', 'b'), { atOnce: true }),
  script('tags', async (cache) => [
    await cache.set({ key: 'k', value: 1, tags: ['t'] }),
    await cache.get({ key: 'k' }),
    await cache.deleteByTag({ tags: ['t', 'u'] }),
  ]),
  script(
    'writes that stay in memory',
    async (cache) => [
      await cache.set({ key: 'k', value: 1, skipL2Write: true }),
      await cache.getOrSet({ key: 'l', factory: () => 2, skipL2Write: true }),
    ],
    { stacks: ['L1 and L2'] },
  ),
]
