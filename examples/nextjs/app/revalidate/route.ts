import { revalidatePath, revalidateTag } from 'next/cache'
import type { NextRequest } from 'next/server'

/** `?tag=menus` at once, `?tag=menus&profile=max` behind the next answer, `?path=/menu` what that path reads. */
export async function POST(request: NextRequest): Promise<Response> {
  const { searchParams } = request.nextUrl
  const [tag, path, profile] = ['tag', 'path', 'profile'].map((name) => searchParams.get(name))
  if (tag) revalidateTag(tag, profile ?? { expire: 0 })
  if (path) revalidatePath(path)
  return Response.json({ tag, path, profile })
}
