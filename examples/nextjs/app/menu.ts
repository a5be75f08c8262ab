import { cacheLife, cacheTag } from 'next/cache'

/** Slow and paid for: `dish` tells one run from the next. */
export async function menuOf(shop: string) {
  'use cache'
  cacheTag('menus', `menu:${shop}`)
  cacheLife({ stale: 60, revalidate: 600, expire: 3600 })
  return { shop, dish: crypto.randomUUID(), cooked: new Date().toISOString() }
}
