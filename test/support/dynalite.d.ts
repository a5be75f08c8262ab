/** As much as is used of a package without types: DynamoDB's interface over memory. */
declare module 'dynalite' {
  import type { Server } from 'node:http'
  export default function dynalite(options: { createTableMs?: number }): Server
}
