/** The servers of the matrix in a process of their own, for so many lanes, until whoever started it is gone. */
import { LINES } from './lines.ts'
import { openStage } from './stage.ts'

const stage = await openStage()
const servers = await stage.serversFor(Number(process.argv[2]))
console.log(LINES.servers + JSON.stringify(servers))
process.stdin.on('end', () => void stage.close().finally(() => process.exit(0))).resume()
