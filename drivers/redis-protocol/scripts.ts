import { BEGIN, BIRTH, CLAIM, ENTRIES, EPOCHS, LEASES, READ, WRITES } from './script-parts.ts'

/**
 * The coordinator in Lua: one script per operation, so that each is one atomic round trip.
 *
 * Every key a script touches is declared, whatever the entry bears: epochs lie in one hash, so the tags that only the
 * stored header names need no keys of their own. `KEYS[1]` is the journal, `KEYS[2]` the epochs, `KEYS[3]` when they
 * end; then come the operation's own. `ARGV[1]` is the request, `ARGV[2]` an unguessable text, from `ARGV[3]` on come payloads.
 *
 * A reply is a list of texts that begin with `!`: first what was found, as JSON, then payloads. No client takes them
 * for anything but text. A payload is moved around and never looked into.
 */

/** How long a repeated commit is recognised: longer than any request lives, its copies included. */
const ANSWERS_TTL = 120_000

/** A script, and whether it changes nothing. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly readOnly: boolean
}

const READ_ONE = `
local out, body = look(KEYS[4], q)
if q.token then claim(out, KEYS[5], q.names) end
return reply(out, body)
`

// `untouched`: what happened after a place is gone through once for all commits, since it may be the whole journal. That leaves
// out the commits' own events, and they are about no key of another.
// `rule`: the lease limits cost, the journal decides truth: without it a slow computation is stored if nothing happened.
// `commit`: what is kept bears the names it was stored with, and an entry of Bentocache's has none. A namespace it does not
// lie in cannot keep it, as it cannot read it. A new life given by hand does not make fresh what was made stale by hand.
const COMMIT = `
local subjects = {}
local function untouched(c, names)
  local place = c.seq .. ' ' .. c.id
  local touched = subjects[place]
  if touched == nil then
    local rows = since(c)
    touched = rows and {}
    for i = 2, rows and #rows or 0 do touched[rows[i][2][4]] = true end
    subjects[place] = touched or false
  end
  for name in pairs(touched or {}) do if names[name] then return false end end
  return touched and true
end

local function rule(c, entry, lease, present)
  if c.mode == 'set' then return true end
  local touching, late = { ['k:' .. c.key] = true }, {}
  for _, name in ipairs(c.names) do touching[name] = true end
  local held = lease and now < lease.x and lease.t == c.token and lease.g.seq == c.since.seq and lease.g.id == c.since.id
  if not held then return untouched(c.since, touching) end
  if not stands(lease) then return false end
  for _, name in ipairs(c.names) do if not lease.e[name] then late[name] = true end end
  if next(late) and not untouched(lease.g, late) then return false end
  present = present or judge(entry, {})
  return true, not present or present.stale
end

local function commit(c, payload, entry, leased, answered)
  local answer = call('GET', answered)
  if answer then
    local seq, id = answer:match('^(%d+) (.*)$')
    local event = { seq = tonumber(seq), id = id }
    return { stored = true, at = since(event, 1) and event.seq }
  end
  local lease, present, header, stored, fills = leaseOf(leased), nil, { v = c.version }, true, nil
  if c.keeps then
    present, payload, header = judge(entry, c.spaces)
    stored = present and not present.born and (c.keeps == '*' or c.keeps == present.version)
    if stored then c.names = present.names end
  end
  if stored then stored, fills = rule(c, entry, lease, present) end
  if not stored then
    if lease and lease.t == c.token then call('DEL', leased) end
    return { stored = false }
  end
  local till, prolongs = c.stale and now + c.stale, c.keeps and c.mode == 'set'
  if till and c.stale < 1 then
    call('DEL', entry)
  else
    local stamps = stamp(c.names, till)
    if not prolongs then header.m, header.e = nil, stamps end
    header.f, header.s = c.fresh and now + c.fresh, till
    local text = 'r1;' .. cjson.encode(header) .. '\\n' .. payload
    if till then call('SET', entry, text, 'PX', c.stale) else call('SET', entry, text) end
  end
  if not prolongs then call('DEL', leased) end
  if not fills then append('-k:' .. c.key) end
  call('SET', answered, last.seq .. ' ' .. last.id, 'PX', ${ANSWERS_TTL})
  return { stored = true, at = last.seq }
end

local commits = {}
for i, c in ipairs(q.commits) do
  commits[i] = commit(c, ARGV[i + 2], KEYS[i * 3 + 1], KEYS[i * 3 + 2], KEYS[i * 3 + 3])
end
return told({ commits = commits })
`

const INVALIDATE = `
local at, existed, ended, seen = 4, 0, false, {}
for i = 4, #KEYS, 2 do
  if not seen[KEYS[i]] and judge(KEYS[i], {}) then existed = existed + 1 end
  seen[KEYS[i]] = true
end
for _, event in ipairs(q.events) do
  local subject, soft = event:sub(2), event:sub(1, 1) == '~'
  if subject:sub(1, 2) == 'k:' then
    forget(KEYS[at], KEYS[at + 1], soft)
    at = at + 2
  elseif soft then
    local epoch = inForce({ subject })[subject]
    if epoch then put(subject, epoch[1], mint, tonumber(epoch[3])) end
    ended = true
  else
    call('HDEL', epochs, subject)
    call('ZREM', due, subject)
    ended = true
  end
  append(event)
end
if ended then call('HSET', epochs, 'ended', '1') end
return told({ existed = existed })
`

const TAKE = `
local out, body = look(KEYS[4], q)
forget(KEYS[4], KEYS[5], false)
append('-k:' .. q.key)
return told(out, body)
`

const READ_MANY = `
local entries, bodies = {}, {}
for i, r in ipairs(q.reads) do
  entries[i], bodies[i] = look(KEYS[3 + i], r)
  if q.token then claim(entries[i], KEYS[3 + #q.reads + i], r.names) end
end
local texts = reply({ entries = entries })
for i, body in ipairs(bodies) do texts[i + 1] = '!' .. body end
return texts
`

const RELEASE = `
local lease = leaseOf(KEYS[4])
if lease and lease.t == q.token then call('DEL', KEYS[4]) end
return reply({})
`

function script(name: string, readOnly: boolean, ...parts: readonly string[]): Script {
  return { name, readOnly, text: parts.join('') }
}

const READING = [BEGIN, EPOCHS, ENTRIES, READ]
const WRITING = [BEGIN, EPOCHS, ENTRIES, BIRTH, WRITES]
const LEASING = [...WRITING, LEASES, READ, CLAIM]

/** The scripts, by operation. `read` and `readMany` are for who wants no lease: they change nothing, so a replica may answer. */
export const SCRIPTS: Readonly<
  Record<
    | 'read'
    | 'lease'
    | 'readMany'
    | 'leaseMany'
    | 'take'
    | 'commit'
    | 'release'
    | 'invalidate'
    | 'pull'
    | 'birth'
    | 'markers',
    Script
  >
> = {
  read: script('read', true, ...READING, READ_ONE),
  lease: script('lease', false, ...LEASING, READ_ONE),
  readMany: script('readMany', true, ...READING, READ_MANY),
  leaseMany: script('leaseMany', false, ...LEASING, READ_MANY),
  take: script('take', false, ...WRITING, READ, TAKE),
  commit: script('commit', false, ...WRITING, LEASES, COMMIT),
  release: script('release', false, BEGIN, EPOCHS, BIRTH, LEASES, RELEASE),
  invalidate: script('invalidate', false, ...WRITING, INVALIDATE),
  pull: script('pull', true, BEGIN, 'return reply({})'),
  birth: script('birth', false, BEGIN, BIRTH, 'return reply({})'),
  /** When tags were last deleted by Bentocache, as it noted that itself. */
  markers: script(
    'markers',
    true,
    `local texts = redis.call('MGET', unpack(KEYS))\nfor i = 1, #texts do texts[i] = '!' .. (texts[i] or '') end\nreturn texts`,
  ),
}
