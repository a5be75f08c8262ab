import { type Answer, ask, askAndReset, countOf, factoryBegan, pause } from './client.ts'
import { type SceneName, scenes } from './scenes.ts'

export interface BurstResult {
  readonly answers: readonly Answer[]
  readonly factoryRuns: number
}

export interface LeaderResult {
  /** Absent where the leader's own client has gone. */
  readonly leader?: Answer
  readonly follower: Answer
  /** Three requests, one after the other, once the follower has its answer or has given up. */
  readonly later: readonly Answer[]
  readonly factoryRuns: number
  /** How many runs of the factory lived to return. */
  readonly factoryReturns: number
}

export interface StaleResult {
  /** Fills the cold cache, and then the entry is left to expire. */
  readonly prime: Answer
  readonly first: Answer
  readonly second: Answer
  readonly refresh: 'kept' | 'lost'
  readonly factoryRuns: number
  readonly factoryReturns: number
}

export interface SceneResults {
  readonly burst: BurstResult
  readonly cancelled: LeaderResult
  readonly silent: LeaderResult
  readonly stale: StaleResult
}

const key = 'key'

const getUrl = (base: URL, scene: SceneName) => new URL(`/get?scene=${scene}&key=${key}`, base)

// The first request to an isolate compiles the script; that is no part of any scene.
async function warm(base: URL): Promise<void> {
  await countOf(base, 'warm')
}

export async function runBurst(base: URL): Promise<BurstResult> {
  await warm(base)
  const url = getUrl(base, 'burst')
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url)))
  const { started } = await countOf(base, key)
  return { answers, factoryRuns: started }
}

async function askThrice(url: URL): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let index = 0; index < 3; index++) answers.push(await ask(url))
  return answers
}

export async function runCancelled(base: URL): Promise<LeaderResult> {
  await warm(base)
  const url = getUrl(base, 'cancelled')
  const reset = await askAndReset(url)
  await factoryBegan(base, key)
  const following = ask(url)
  await pause(300)
  reset()
  const follower = await following
  const later = await askThrice(url)
  const { started, finished } = await countOf(base, key)
  return { follower, later, factoryRuns: started, factoryReturns: finished }
}

export async function runSilent(base: URL): Promise<LeaderResult> {
  await warm(base)
  const url = getUrl(base, 'silent')
  const leading = ask(url)
  await factoryBegan(base, key)
  await pause(200)
  const follower = await ask(url)
  const later = await askThrice(url)
  const leader = await leading
  const { started, finished } = await countOf(base, key)
  return { leader, follower, later, factoryRuns: started, factoryReturns: finished }
}

export async function runStale(base: URL): Promise<StaleResult> {
  const url = getUrl(base, 'stale')
  const prime = await ask(url)
  await pause(scenes.stale.fresh + 500)
  const first = await ask(url)
  // Five times what the refresh takes, and still within the freshness of what it brings.
  await pause(scenes.stale.work * 5)
  const second = await ask(url)
  const { started, finished } = await countOf(base, key)
  const refreshed = second.value !== undefined && second.value !== prime.value
  return {
    prime,
    first,
    second,
    refresh: refreshed ? 'kept' : 'lost',
    factoryRuns: started,
    factoryReturns: finished,
  }
}
