/**
 * What the coordinator's scripts are made of: what each of them needs stands here once.
 *
 * `q` is the request, `page()` what it has not heard of, `judge()` whether an entry lives, `last` the journal's last event.
 * Comments stand before the texts, not in them: the texts are carried into every bundle and sent to Redis.
 */

/** Events kept in the journal. */
const JOURNAL_CAP = 10_000
/** Most events in one page; more are told as a gap. */
const PAGE_LIMIT = 1_000
/** An epoch is kept this much longer than asked, so that a busy tag is not raised by every commit. */
const EPOCH_SLACK = 3_600_000
/** Epochs whose time is over that go at one write. */
const EPOCHS_PRUNED = 20

// The clock is Redis's own. With it the random text names things that a copy of the request cannot name again.
// `since`: row 1 is the event itself; nothing where it is not known.
export const BEGIN: string = `
local call, q, time = redis.call, cjson.decode(ARGV[1]), redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mint = ARGV[2] .. '.' .. time[1] % 1000000 .. '.' .. time[2]
local journal, epochs, due = KEYS[1], KEYS[2], KEYS[3]

local function head()
  local last = call('XREVRANGE', journal, '+', '-', 'COUNT', 1)[1]
  return last and { seq = tonumber(last[1]:match('^%d+')), id = last[2][2] }
end

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
// `compare`: whether what bears the stamps lives, and whether it has aged since it was stamped.
export const EPOCHS: string = `
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
export const ENTRIES: string = `
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
  }, body, header
end
`

// `ended`: only where there was nothing before is it certain that nothing was ended.
export const BIRTH: string = `
local last = head()
if not last then
  last = { seq = 1, id = mint }
  call('DEL', journal)
  call('XADD', journal, '1-0', 'i', mint, 's', '', 'd', '')
  if call('EXISTS', epochs) == 0 then call('HSET', epochs, 'ended', '0') end
end
`

// `append`: a subject with a sign before it, `-` for hard, `~` for soft.
// `told`: a reply. All that a call has done is one message to who listens.
// `stamp`: stamps of names that last until the given time, or for ever; what is missing is minted.
export const WRITES: string = `
local before, news = last, {}

local function append(event)
  news[#news + 1] = event
  last = { seq = last.seq + 1, id = mint .. '.' .. #news }
  call('XADD', journal, 'MAXLEN', ${JOURNAL_CAP}, last.seq .. '-0', 'i', last.id, 's', event:sub(2), 'd', event:sub(1, 1))
end

local function told(out, ...)
  if #news > 0 then redis.pcall('PUBLISH', q.channel, cjson.encode({ after = before, head = last, events = news })) end
  return reply(out, ...)
end

local function put(name, hard, soft, till)
  call('HSET', epochs, name, hard .. '|' .. soft .. '|' .. (till or ''))
  if till then call('ZADD', due, till, name) else call('ZREM', due, name) end
end

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

export const LEASES: string = `
local function leaseOf(key)
  local sound, lease = pcall(cjson.decode, call('GET', key) or '')
  return sound and type(lease) == 'table' and lease or nil
end

local function stands(lease)
  local alive, aged = compare(lease.e)
  return alive and not aged
end
`

export const READ: string = `
local function look(key, r)
  local verdict, body = judge(key, r.spaces)
  if not verdict or r.unusable == '*' or r.unusable == verdict.version then return { entry = nil }, '' end
  return { entry = verdict }, body
end
`

// Asked for by who finds nothing, or nothing fresh. Asking again under one token gives the same grant again.
export const CLAIM: string = `
local function claim(out, key, names)
  if out.entry and not out.entry.stale then return end
  local lease = leaseOf(key)
  if lease and now < lease.x and stands(lease) then
    if lease.t == q.token then out.grant = lease.g else out.left = lease.x - now end
  else
    out.grant = last
    lease = { t = q.token, g = out.grant, x = now + q.ttl, e = stamp(names, now + q.ttl) }
    call('SET', key, cjson.encode(lease), 'PX', q.ttl)
  end
end
`
