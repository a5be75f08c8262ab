/**
 * The coordinator in Lua: one script per operation, so that each is one atomic round trip.
 *
 * Every key a script touches is declared, whatever the entry bears: epochs lie in one hash, so the tags that only the
 * stored header names need no keys of their own. `KEYS[1]` is the journal, `KEYS[2]` the epochs, `KEYS[3]` when they
 * end; then come the operation's own. `ARGV[1]` is the request, `ARGV[2]` an unguessable text, `ARGV[3]` a payload.
 *
 * A reply is a list of texts that begin with `!`: first what was found, as JSON, then payloads. No client takes them
 * for anything but text. A payload is moved around and never looked into.
 */

/** Events kept in the journal. */
const JOURNAL_CAP = 10_000
/** Most events in one page; more are told as a gap. */
const PAGE_LIMIT = 1_000
/** How long a repeated commit is recognised: longer than any request lives, its copies included. */
const ANSWERS_TTL = 120_000
/** An epoch is kept this much longer than asked, so that a busy tag is not raised by every commit. */
const EPOCH_SLACK = 3_600_000
/** Epochs whose time is over that go at one write. */
const EPOCHS_PRUNED = 20

/** A script, and whether it changes nothing. */
export interface Script {
  readonly name: string
  readonly text: string
  readonly readOnly: boolean
}

// The clock is Redis's own. With it the random text names things that a copy of the request cannot name again.
const BEGIN = `
local call, q, time = redis.call, cjson.decode(ARGV[1]), redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mint = ARGV[2] .. '.' .. time[1] % 1000000 .. '.' .. time[2]
local journal, epochs, due = KEYS[1], KEYS[2], KEYS[3]

local function head()
  local last = call('XREVRANGE', journal, '+', '-', 'COUNT', 1)[1]
  return last and { seq = tonumber(last[1]:match('^%d+')), id = last[2][2] }
end

-- Row 1 is the event itself; nothing where it is not known.
local function since(c, most)
  if not c then return end
  local rows = call('XRANGE', journal, c.seq .. '-0', '+', 'COUNT', most or ${JOURNAL_CAP})
  if rows[1] and rows[1][1] == c.seq .. '-0' and rows[1][2][2] == c.id then return rows end
end

local function page()
  local h, c, events = head(), q.cursor, {}
  if not h then return { head = { seq = 0, id = '' }, gap = true } end
  local rows = c and h.seq - c.seq <= ${PAGE_LIMIT} and since(c)
  if not rows then return { head = h, gap = true } end
  for i = 2, #rows do events[i - 1] = rows[i][2][6] .. rows[i][2][4] end
  return { head = h, events = events }
end

local function reply(out, ...)
  out.page = page()
  local texts = { '!' .. cjson.encode(out) }
  for i, text in ipairs({ ... }) do texts[i + 1] = '!' .. text end
  return texts
end
`

// What is not found is equal to nothing: a lost epoch ends what was stamped with it.
const EPOCHS = `
local function inForce(names)
  local found = {}
  for i = 1, #names, 1000 do
    local rows = call('HMGET', epochs, unpack(names, i, math.min(i + 999, #names)))
    for n = 1, #rows do
      if rows[n] then found[names[i + n - 1]] = { rows[n]:match('^([^|]*)|([^|]*)|(.*)$') } end
    end
  end
  return found
end

local function namesOf(stamps)
  local names = {}
  for name in pairs(stamps) do names[#names + 1] = name end
  return names
end

-- Whether what bears the stamps lives, and whether it is as fresh as when it was stamped.
local function compare(stamps)
  local current, aged = inForce(namesOf(stamps)), false
  for name, own in pairs(stamps) do
    local epoch = current[name]
    if not epoch or epoch[1] ~= own[1] then return false, true end
    aged = aged or epoch[2] ~= own[2]
  end
  return true, aged
end
`

// Entries that Bentocache wrote begin with a brace. They bear no stamps, so any end of a tag or namespace ends them all,
// and so does the loss of the epochs, since then nobody knows.
// Patterns begin with ^: without it Lua tries each place of a text as the beginning.
const ENTRIES = `
local function parse(key, text)
  if text:sub(1, 3) == 'r1;' then
    local cut = text:find('\\n', 1, true)
    local sound, header = pcall(cjson.decode, text:sub(4, (cut or 0) - 1))
    if cut and sound and type(header) == 'table' and type(header.e) == 'table' then return header, text:sub(cut + 1) end
  elseif text:sub(1, 9) == '{"value":' then
    local left, born = call('PTTL', key), tonumber(text:match('^.*"createdAt":(%d+)')) or 0
    local fresh = tonumber(text:match('^.*"logicalExpiration":(%d+)'))
    return { v = 'bentocache-' .. born, f = fresh, s = left > 0 and now + left or nil, e = {}, b = born }, text
  end
end

local function load(key)
  local text = redis.pcall('GET', key)
  if type(text) == 'string' then return parse(key, text) end
end

local function judge(key, spaces)
  local header, body = load(key)
  if not header or (header.s and now >= header.s) then return end
  if header.b then
    if call('HGET', epochs, 'ended') ~= '0' then return end
  else
    for _, space in ipairs(spaces) do if not header.e['n:' .. space] then return end end
  end
  local alive, aged = compare(header.e)
  if not alive then return end
  return {
    version = header.v, born = header.b, names = namesOf(header.e),
    stale = aged or header.m or (header.f and now >= header.f) or false,
    freshFor = header.f and header.f - now, staleFor = header.s and header.s - now,
  }, body
end
`

const BIRTH = `
local function born()
  local h = head()
  if h then return h end
  call('DEL', journal)
  call('XADD', journal, '1-0', 'i', mint, 's', '', 'd', '')
  -- Only where there was nothing before is it certain that nothing was ended.
  if call('EXISTS', epochs) == 0 then call('HSET', epochs, 'ended', '0') end
  return { seq = 1, id = mint }
end
born()

`

const WRITES = `
-- Subjects with a sign before them: - for hard, ~ for soft.
local function append(events)
  local after = born()
  local h = after
  for n, event in ipairs(events) do
    h = { seq = h.seq + 1, id = mint .. '.' .. n }
    call('XADD', journal, 'MAXLEN', ${JOURNAL_CAP}, h.seq .. '-0', 'i', h.id, 's', event:sub(2), 'd', event:sub(1, 1))
  end
  if #events > 0 then redis.pcall('PUBLISH', q.channel, cjson.encode({ after = after, head = h, events = events })) end
  return h
end

local function put(name, hard, soft, till)
  call('HSET', epochs, name, hard .. '|' .. soft .. '|' .. (till or ''))
  if till then call('ZADD', due, till, name) else call('ZREM', due, name) end
end

-- Stamps of names that last until the given time, or for ever; what is missing is minted.
local function stamp(names, till)
  for _, name in ipairs(call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ${EPOCHS_PRUNED})) do
    call('HDEL', epochs, name)
    call('ZREM', due, name)
  end
  local current, stamps = inForce(names), {}
  for _, name in ipairs(names) do
    local epoch = current[name] or { mint, mint }
    local lasts = tonumber(epoch[3])
    if not current[name] or (lasts and not (till and till <= lasts)) then
      put(name, epoch[1], epoch[2], till and till + ${EPOCH_SLACK})
    end
    stamps[name] = { epoch[1], epoch[2] }
  end
  return stamps
end

local function forget(entry, lease, soft)
  if not soft then
    call('DEL', entry)
  else
    local header, body = load(entry)
    if header then
      header.m = true
      call('SET', entry, 'r1;' .. cjson.encode(header) .. '\\n' .. body, 'KEEPTTL')
    end
  end
  call('DEL', lease)
end
`

const LEASES = `
local function leaseOf(key)
  local sound, lease = pcall(cjson.decode, call('GET', key) or '')
  return sound and type(lease) == 'table' and lease or nil
end

local function stands(lease)
  local alive, aged = compare(lease.e)
  return alive and not aged
end
`

const READ = `
local verdict, body = judge(KEYS[4], q.spaces)
if verdict and (q.unusable == '*' or q.unusable == verdict.version) then verdict = nil end
local out = { entry = verdict }
`

const LEASE = `
if not verdict or verdict.stale then
  local lease = leaseOf(KEYS[5])
  if lease and now < lease.x and stands(lease) then
    if lease.t == q.token then out.grant = lease.g else out.left = lease.x - now end
  else
    out.grant = born()
    lease = { t = q.token, g = out.grant, x = now + q.ttl, e = stamp(q.names, now + q.ttl) }
    call('SET', KEYS[5], cjson.encode(lease), 'PX', q.ttl)
  end
end
`

const FOUND = `return reply(out, verdict and body or '')`

const COMMIT = `
local function untouched(c, names)
  local rows = since(c)
  for i = 2, rows and #rows or 0 do if names[rows[i][2][4]] then return false end end
  return rows ~= nil
end

local function rule(lease)
  if q.mode == 'set' then return true end
  local touching, late = { ['k:' .. q.key] = true }, {}
  for _, name in ipairs(q.names) do touching[name] = true end
  local held = lease and now < lease.x and lease.t == q.token and lease.g.seq == q.since.seq and lease.g.id == q.since.id
  -- The lease limits cost, the journal decides truth: without it a slow computation is stored if nothing happened.
  if not held then return untouched(q.since, touching) end
  if not stands(lease) then return false end
  for _, name in ipairs(q.names) do if not lease.e[name] then late[name] = true end end
  if next(late) and not untouched(lease.g, late) then return false end
  local present = judge(KEYS[4], {})
  return true, not present or present.stale
end

local answer = call('GET', KEYS[6])
if answer then
  local seq, id = answer:match('^(%d+) (.*)$')
  local event = { seq = tonumber(seq), id = id }
  return reply({ stored = true, at = since(event, 1) and event.seq })
end

local lease = leaseOf(KEYS[5])
local stored, fills = rule(lease)
if not stored then
  if lease and lease.t == q.token then call('DEL', KEYS[5]) end
  return reply({ stored = false })
end
local till = q.stale and now + q.stale
if till and q.stale < 1 then
  call('DEL', KEYS[4])
else
  local header = { v = q.version, f = q.fresh and now + q.fresh, s = till, e = stamp(q.names, till) }
  local text = 'r1;' .. cjson.encode(header) .. '\\n' .. ARGV[3]
  if till then call('SET', KEYS[4], text, 'PX', q.stale) else call('SET', KEYS[4], text) end
end
call('DEL', KEYS[5])
local at = fills and born() or append({ '-k:' .. q.key })
call('SET', KEYS[6], at.seq .. ' ' .. at.id, 'PX', ${ANSWERS_TTL})
return reply({ stored = true, at = at.seq })
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
end
if ended then call('HSET', epochs, 'ended', '1') end
append(q.events)
return reply({ existed = existed })
`

const TAKE = `
forget(KEYS[4], KEYS[5], false)
append({ '-k:' .. q.key })
return reply(out, verdict and body or '')
`

const READ_MANY = `
local verdicts, bodies = {}, {}
for i, spaces in ipairs(q.reads) do
  local verdict, body = judge(KEYS[3 + i], spaces)
  verdicts[i], bodies[i] = verdict or false, verdict and body or ''
end
local texts = reply({ entries = verdicts })
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

/** The scripts, by operation. `read` is for who wants no lease: it changes nothing, so a replica may answer. */
export const SCRIPTS: Readonly<
  Record<
    | 'read'
    | 'lease'
    | 'readMany'
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
  read: script('read', true, BEGIN, EPOCHS, ENTRIES, READ, FOUND),
  lease: script('lease', false, BEGIN, EPOCHS, ENTRIES, BIRTH, WRITES, LEASES, READ, LEASE, FOUND),
  readMany: script('readMany', true, BEGIN, EPOCHS, ENTRIES, READ_MANY),
  take: script('take', false, BEGIN, EPOCHS, ENTRIES, BIRTH, WRITES, READ, TAKE),
  commit: script('commit', false, BEGIN, EPOCHS, ENTRIES, BIRTH, WRITES, LEASES, COMMIT),
  release: script('release', false, BEGIN, EPOCHS, BIRTH, LEASES, RELEASE),
  invalidate: script('invalidate', false, BEGIN, EPOCHS, ENTRIES, BIRTH, WRITES, INVALIDATE),
  pull: script('pull', true, BEGIN, 'return reply({})'),
  birth: script('birth', false, BEGIN, BIRTH, 'return reply({})'),
  /** When tags were last deleted by Bentocache, as it noted that itself. */
  markers: script(
    'markers',
    true,
    `local texts = redis.call('MGET', unpack(KEYS))\nfor i = 1, #texts do texts[i] = '!' .. (texts[i] or '') end\nreturn texts`,
  ),
}
