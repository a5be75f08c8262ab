import { storedIn } from './pair.ts'
import { type Isolate, type World, world } from './world.ts'

/** What the invalidating isolate does. */
export type Ending = 'delete' | 'declared tag' | 'late tag' | 'clear' | 'set' | 'expire'

/** What is under way in isolate A when it comes. */
export type Work = 'cold' | 'refresh' | 'wait' | 'hit' | 'get' | 'force' | 'blind' | 'impatient'

/** One interleaving, in numbers that can be drawn and shrunk. */
export interface Schedule {
  readonly ending: Ending
  readonly work: Work
  /** Whether A itself invalidates, or B. */
  readonly own: boolean
  /** The invalidation is sent at this step of the network or a factory, and so many microtasks later. */
  readonly step: number
  readonly ticks: number
  /** Milliseconds of the ways between isolates and coordinator, in the order they are taken. */
  readonly ways: readonly number[]
  /** Milliseconds a factory takes before and after it reads the origin. */
  readonly origin: readonly [before: number, after: number]
  /** The steps at which another caller comes, to A and to B. */
  readonly callers: readonly [a: number, b: number]
  /** Whether A and B have in memory what L2 has. */
  readonly inMemory: boolean
}

export interface Outcome {
  /** Reads that gave what they must not, each as a sentence. */
  readonly violations: readonly string[]
  /** The invalidation was sent while A's work was under way. */
  readonly interleaved: boolean
  /** A write was refused. */
  readonly refused: boolean
}

const TAGS = ['declared']
const GRACED = { ttl: 1000, grace: '1h' } as const

/** Plays a schedule in virtual time and tells what went wrong. */
export async function play(schedule: Schedule): Promise<Outcome> {
  const stage = setStage(schedule)
  await prepare(stage)
  const { clock, ledger } = stage.world
  const [a, b] = stage.isolates
  stage.armed = true
  const jobs: Promise<unknown>[] = []
  const refusedBefore = ledger.ledger.stats().commitsRefused
  let sent = false
  let over = false
  let interleaved = false
  const invalidation = new Promise<void>((resolve) => {
    stage.at(schedule.step, async () => {
      sent = true
      for (let tick = 0; tick < schedule.ticks; tick++) await Promise.resolve()
      interleaved = !over
      resolve(invalidate(stage))
    })
  })
  stage.at(schedule.callers[0], () => void jobs.push(ask(stage, a)))
  stage.at(schedule.callers[1], () => void jobs.push(ask(stage, b)))
  const work = begin(stage, a)
    .then(() => allOf(a.runtime.background))
    .then(() => (over = true))
  await clock.run(work)
  if (!sent) stage.hurry()
  await clock.run(invalidation)
  await clock.run(Promise.all(jobs))
  await expectNews(stage)
  return {
    violations: stage.violations,
    interleaved,
    refused: ledger.ledger.stats().commitsRefused > refusedBefore,
  }
}

/** Waits for background work, and for what that leaves behind. */
async function allOf(background: readonly Promise<unknown>[]): Promise<void> {
  for (let seen = -1; seen < background.length;) {
    seen = background.length
    await Promise.all(background)
  }
}

interface Stage {
  readonly schedule: Schedule
  readonly world: World
  readonly isolates: readonly [a: Isolate, b: Isolate]
  readonly violations: string[]
  /** What the origin would say. */
  version: number
  armed: boolean
  /** Does something at a step from now. */
  at(step: number, run: () => unknown): void
  /** One step of the network or a factory. */
  pulse(): void
  /** Does at once what was planned for steps that never came. */
  hurry(): void
}

function setStage(schedule: Schedule): Stage {
  const made = world()
  const plans: { left: number; readonly run: () => unknown }[] = []
  let way = 0
  const stage: Stage = {
    schedule,
    world: made,
    isolates: [made.isolate('a'), made.isolate('b')],
    violations: [],
    version: 0,
    armed: false,
    at: (step, run) => (step === 0 ? void run() : void plans.push({ left: step, run })),
    pulse: () => {
      if (!stage.armed) return
      for (const plan of plans) if (--plan.left === 0) plan.run()
    },
    hurry: () => {
      for (const plan of plans.splice(0)) if (plan.left > 0) plan.run()
    },
  }
  for (const isolate of stage.isolates) {
    isolate.latency = () => {
      stage.pulse()
      return stage.armed ? schedule.ways[way++ % schedule.ways.length]! : 0
    }
  }
  return stage
}

/** Brings tiers and coordinator into the state the work begins in. */
async function prepare({ world: { clock, isolate }, isolates, schedule }: Stage): Promise<void> {
  const [a, b] = isolates
  const { work, inMemory } = schedule
  await clock.run(a.bento.get({ key: 'nobody has' }))
  await clock.run(b.bento.get({ key: 'nobody has' }))
  if (work === 'impatient') {
    spaceOf(isolate('holder'))
      .getOrSet({ key: 'k', factory: () => new Promise(() => {}) })
      .catch(() => {})
    await clock.settle()
  }
  if (['cold', 'blind', 'impatient'].includes(work)) return
  const expired = work === 'refresh' || work === 'wait'
  const life = expired ? GRACED : {}
  await clock.run(spaceOf(isolate('first')).set({ key: 'k', value: 0, tags: [...TAGS, 'late'], ...life }))
  if (inMemory) for (const each of [a, b]) await clock.run(spaceOf(each).get({ key: 'k' }))
  if (expired) await clock.advance(1500)
  // A hit that asks for news behind its answer: without, nothing would be under way.
  else if (inMemory) await clock.advance(1500)
}

/** The entry lies in `cities:eu`, so that an ancestor can be cleared. */
function spaceOf({ bento }: Isolate): ReturnType<Isolate['bento']['namespace']> {
  return bento.namespace('cities').namespace('eu')
}

function factoryOf(stage: Stage): (context: { setTags(tags: readonly string[]): void }) => Promise<number> {
  const { clock } = stage.world
  const [before, after] = stage.schedule.origin
  const pass = (ms: number): Promise<void> | undefined =>
    ms === 0 ? undefined : new Promise((resolve) => void clock.setTimer(resolve, ms))
  return async ({ setTags }) => {
    stage.pulse()
    await pass(before)
    const { version } = stage
    stage.pulse()
    await pass(after)
    setTags(['late'])
    stage.pulse()
    return version
  }
}

function ask(stage: Stage, isolate: Isolate, options: object = {}): Promise<number> {
  return spaceOf(isolate).getOrSet({ key: 'k', tags: TAGS, factory: factoryOf(stage), ...options })
}

/** The work that is raced against. */
function begin(stage: Stage, a: Isolate): Promise<unknown> {
  const { work } = stage.schedule
  switch (work) {
    case 'refresh':
      return ask(stage, a, GRACED)
    case 'wait':
      return ask(stage, a, { ...GRACED, timeout: 2 })
    case 'get':
      return spaceOf(a).get({ key: 'k' })
    case 'force':
      return ask(stage, a, { forceFresh: true })
    case 'impatient':
      return ask(stage, a, { lockTimeout: 2 })
    case 'blind': {
      let refused = false
      a.fault = (operation) => {
        if (refused || operation !== 'read') return undefined
        refused = true
        return 'refuse'
      }
      return ask(stage, a)
    }
    default:
      return ask(stage, a)
  }
}

/** Changes the origin, then tells the cache; what follows the acknowledgement must not be older. */
async function invalidate(stage: Stage): Promise<void> {
  const { schedule, isolates, world: made, version } = stage
  const by = isolates[schedule.own ? 0 : 1]
  const space = spaceOf(by)
  stage.version = version + 1
  const acts: Record<Ending, () => Promise<unknown>> = {
    delete: () => space.delete({ key: 'k' }),
    'declared tag': () => space.deleteByTag({ tags: TAGS }),
    'late tag': () => space.deleteByTag({ tags: ['late'] }),
    clear: () => by.bento.namespace('cities').clear(),
    set: () => space.set({ key: 'k', value: stage.version, tags: [...TAGS, 'late'] }),
    expire: () => space.expire({ key: 'k' }),
  }
  await acts[schedule.ending]()
  expectCoordinator(stage, 'at the acknowledgement')
  // At once: whoever asks the isolate that invalidated, and whoever asks L2.
  const cold = made.isolate('cold')
  await Promise.all([
    expectNew(stage, ask(stage, by), 'of the invalidating isolate, at once'),
    expectNew(stage, spaceOf(by).get({ key: 'k' }), 'of the invalidating isolate by get, at once'),
    expectNew(stage, ask(stage, cold), 'of a cold isolate, at once'),
    ...(schedule.ending === 'expire'
      ? []
      : [expectNew(stage, ask(stage, by, GRACED), 'of the invalidating isolate with grace, at once')]),
  ])
}

/** When all is done, nobody who heard the news gives the old value, and nobody at all past maxStaleness. */
async function expectNews(stage: Stage): Promise<void> {
  const { clock } = stage.world
  const [a, b] = stage.isolates
  stage.armed = false
  const by = stage.schedule.own ? a : b
  await clock.settle()
  expectCoordinator(stage, 'at the end')
  const check = async (isolate: Isolate, when: string): Promise<void> => {
    await clock.run(
      expectNew(stage, spaceOf(isolate).get({ key: 'k' }), `of ${isolate === a ? 'A' : 'B'} ${when}`),
    )
  }
  await check(by, 'at the end')
  for (const each of [a, b]) {
    await clock.run(each.bento.get({ key: 'nobody has' }))
    await check(each, 'after the news')
  }
  await clock.advance(5001)
  for (const each of [a, b]) await check(each, 'past maxStaleness')
}

async function expectNew(stage: Stage, read: Promise<number | undefined>, who: string): Promise<void> {
  const value = await read
  if (value !== undefined && value < 1) stage.violations.push(`a read ${who} gave the old value`)
}

function expectCoordinator({ world: made, violations, schedule }: Stage, when: string): void {
  // What expired is still there, but as stale.
  const value = storedIn(made, 'cities:eu:k', schedule.ending === 'expire' ? 'fresh' : undefined)
  if (value !== undefined && (value as number) < 1) violations.push(`L2 has the old value ${when}`)
}
