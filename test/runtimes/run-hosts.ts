import type { Host } from './host.ts'
import { openProject, type Project } from './project.ts'
import { openStage, type Stage } from './stage.ts'
import { judge, type Outcome, type Row } from './verdict.ts'

/** Cases of a runtime that run at a time: most of them wait for clocks. */
const LANES = 4
/** Runtimes that run at a time. More of them would have to wait for each other, and cases would see it. */
const AT_ONCE = 3
/** How long a case, and all cases of a runtime, may take, in milliseconds. */
const CASE_DEADLINE = 30_000
const DEADLINE = 300_000

interface Around {
  readonly stage: Stage
  readonly project: Project
  readonly only: string | undefined
}

/** Runs all cases on each of these, or those whose names hold a text. */
export async function runHosts(hosts: readonly Host[], only?: string): Promise<Row[]> {
  const project = await openProject()
  try {
    const stage = await openStage()
    try {
      return judge(await outcomesOf(hosts, { stage, project, only }))
    } finally {
      await stage.close()
    }
  } finally {
    project.close()
  }
}

async function outcomesOf(hosts: readonly Host[], around: Around): Promise<Outcome[]> {
  const outcomes = new Map<Host, Outcome>()
  const left = [...hosts]
  const lane = async (): Promise<void> => {
    for (let host = left.shift(); host; host = left.shift()) outcomes.set(host, await outcomeOf(host, around))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return hosts.flatMap((host) => outcomes.get(host) ?? [])
}

async function outcomeOf(host: Host, { stage, project, only }: Around): Promise<Outcome> {
  const { name, adapter } = host
  const start = performance.now()
  const secondsSince = (): number => (performance.now() - start) / 1000
  try {
    const servers = await stage.serversFor(LANES)
    const setup = { servers, adapter, name, deadline: CASE_DEADLINE, ...(only !== undefined && { only }) }
    const report = await host.run({ setup, project, deadline: DEADLINE })
    return { name, seconds: secondsSince(), report }
  } catch (error) {
    return {
      name,
      seconds: secondsSince(),
      report: error instanceof Error ? error : new Error(String(error)),
    }
  }
}
