import { inspect } from 'node:util'
import type { RunRequest } from './guests/requests.ts'
import type { Report, Start } from './host.ts'
import type { Told } from './world.ts'

/** Cases in one request: some, as nothing may be kept from one request for the next. */
const AT_ONCE = 10

/** Asks a guest that serves requests to run all cases, one request at a time in each lane. */
export async function driveRequests(
  url: string,
  { setup, deadline }: Start,
): Promise<Pick<Report, 'plan' | 'told' | 'trouble'>> {
  const end = AbortSignal.timeout(deadline)
  const told: Told[] = []
  let plan: string[] = []
  try {
    plan = await ask<string[]>(`${url}/plan`, { signal: end })
    const left = plan.map((_, at) => at)
    const lane = async (gateway: string): Promise<void> => {
      while (left.length > 0) {
        const body: RunRequest = { cases: left.splice(0, AT_ONCE), gateway }
        told.push(
          ...(await ask<Told[]>(`${url}/run`, { method: 'POST', body: JSON.stringify(body), signal: end })),
        )
      }
    }
    const lanes = await Promise.allSettled(setup.servers.gateways.map(lane))
    const failed = lanes.find((one) => one.status === 'rejected')
    return { plan, told, trouble: failed && inspect(failed.reason) }
  } catch (error) {
    return { plan, told, trouble: inspect(error) }
  }
}

async function ask<T>(url: string, init: RequestInit): Promise<T> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`${new URL(url).pathname}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
