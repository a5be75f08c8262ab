/**
 * Locks and atomic values in Lua, each step one script and one round trip. All keys a script touches are declared.
 *
 * None is said to change nothing, the look at a value neither: a replica may not know yet what was acknowledged.
 *
 * Each holds its lives itself, by Redis's clock; the keys' own lives only clear away what is over.
 */
import { ATOMIC_ANSWERS_TTL } from '../../src/atomic-limits.ts'
import type { AtomicStep } from '../../src/atomic-calls.ts'
import type { Script } from './scripts.ts'

const BEGIN = `
local call, time = redis.call, redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
`

// Of a lock: token, fence, end.
const LOCK = `
local lock = call('HMGET', KEYS[1], 't', 'f', 'x')
local left = lock[1] and math.max(0, lock[3] - now) or 0
local own = left > 0 and lock[1] == ARGV[1]
local function hold(fence, ms) return { '!' .. fence, '!' .. text(ms) } end
`

// Of a value: text, end.
const VALUE = `
local found = call('HMGET', KEYS[1], 'v', 'x')
local alive = found[1] and (not found[2] or now < tonumber(found[2]))
local function create(value, ttl)
  call('DEL', KEYS[1])
  call('HSET', KEYS[1], 'v', value)
  if ttl == '' then return end
  call('HSET', KEYS[1], 'x', text(now + ttl))
  call('PEXPIRE', KEYS[1], ttl)
end
`

// A client may repeat what it got no answer to, so a step that was done is answered and not done again.
const ONCE = `
local answer = call('GET', KEYS[2])
if answer then return { '!' .. answer } end
local function done(reply)
  call('SET', KEYS[2], reply, 'PX', ${ATOMIC_ANSWERS_TTL})
  return { '!' .. reply }
end
`

// The clock as the least fence: it grows even if Redis loses the last one.
const ACQUIRE = `
if own then return hold(lock[2], left) end
if left > 0 then return hold(0, left) end
local fence = text(math.max((call('GET', KEYS[2]) or 0) + 1, now))
call('SET', KEYS[2], fence)
call('HSET', KEYS[1], 't', ARGV[1], 'f', fence, 'x', text(now + ARGV[2]))
call('PEXPIRE', KEYS[1], ARGV[2])
return hold(fence, ARGV[2])
`

const EXTEND = `
if not own then return hold(0, left) end
if ARGV[2] == '' then return hold(lock[2], left) end
call('HSET', KEYS[1], 'x', text(now + ARGV[2]))
call('PEXPIRE', KEYS[1], ARGV[2])
return hold(lock[2], ARGV[2])
`

const SURRENDER = `
if own then call('DEL', KEYS[1]) end
return { own and '!1' or '!0' }
`

const ADD = `
if alive then return { '!0' } end
create(ARGV[1], ARGV[2])
return done('1')
`

const INCREMENT = `
local old = alive and found[1] or '0'
local most = 9007199254740991
if not old:find('^%-?%d+$') or math.abs(tonumber(old)) > most then return { '!type' } end
local sum = tonumber(old) + tonumber(ARGV[1])
if math.abs(sum) > most then return { '!range' } end
if alive then call('HSET', KEYS[1], 'v', text(sum)) else create(text(sum), ARGV[2]) end
return done(text(sum))
`

const READ = `return { '!' .. (alive and found[1] or '') }`

const REMOVE = `
call('DEL', KEYS[1])
return { alive and '!1' or '!0' }
`

function script(step: AtomicStep, ...parts: readonly string[]): Script {
  return { name: `atomic ${step}`, readOnly: false, text: BEGIN + parts.join('') }
}

/** The scripts, by step. */
export const ATOMIC_SCRIPTS: Readonly<Record<AtomicStep, Script>> = {
  acquire: script('acquire', LOCK, ACQUIRE),
  extend: script('extend', LOCK, EXTEND),
  surrender: script('surrender', LOCK, SURRENDER),
  add: script('add', ONCE, VALUE, ADD),
  increment: script('increment', ONCE, VALUE, INCREMENT),
  read: script('read', VALUE, READ),
  remove: script('remove', VALUE, REMOVE),
}
