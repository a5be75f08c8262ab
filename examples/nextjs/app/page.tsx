import { updateTag } from 'next/cache'
import { menuOf } from './menu.ts'

async function cookAnew() {
  'use server'
  updateTag('menu:home')
}

export default async function Page() {
  const { dish, cooked } = await menuOf('home')
  return (
    <main>
      <p>
        Dish <b id="dish">{dish}</b>, cooked {cooked}
      </p>
      <form action={cookAnew}>
        <button type="submit">Cook anew</button>
      </form>
    </main>
  )
}
