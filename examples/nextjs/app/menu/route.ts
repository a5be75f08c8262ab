import type { NextRequest } from 'next/server'
import { menuOf } from '../menu.ts'

export async function GET(request: NextRequest): Promise<Response> {
  return Response.json(await menuOf(request.nextUrl.searchParams.get('shop') ?? 'station'))
}
