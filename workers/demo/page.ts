/** The live page: plain HTML and a little script that asks `/counters`, and `/coordinator` where there is one, once a second. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Ekiben: cities of the world</title>
<style>
  :root { color-scheme: light dark; --line: light-dark(#ddd8cf, #3a3733); --soft: light-dark(#6b645a, #a49c90);
    --l1: #2f7d4f; --l1-stale: #8fbf6a; --flight: #3b7ea1; --l2: #d99a2b; --factory: #b8432f; }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem;
    background: light-dark(#fbf9f5, #1b1917); color: light-dark(#26221d, #ece7df); }
  h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2.25rem 0 .5rem }
  p { margin: .4rem 0; color: var(--soft) }
  .figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin-top: 1.5rem }
  .figure { border: 1px solid var(--line); border-radius: .6rem; padding: .7rem .9rem }
  .figure b { display: block; font-size: 1.55rem; font-weight: 600; font-variant-numeric: tabular-nums }
  .figure span, th { color: var(--soft); font-size: .85rem; font-weight: 400 }
  .bar { display: flex; height: 1.6rem; border-radius: .4rem; overflow: hidden; background: var(--line) }
  .bar i { width: 0; transition: width .4s }
  .key { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin-top: .5rem; font-size: .85rem; color: var(--soft) }
  .key i { display: inline-block; width: .7rem; height: .7rem; border-radius: .2rem; margin-right: .4rem }
  .scroll { overflow-x: auto }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
  th, td { text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap }
  th:first-child, td:first-child { text-align: left; padding-left: 0 }
  code, td:first-child { font-family: ui-monospace, monospace; font-size: .9em } a { color: inherit }
  #problem { color: var(--factory) }
</style>
<h1>Ekiben</h1>
<p>Cities of the world: every answer is a SQL query on D1 behind one cache, shared by the isolates below
  through <span id="l2">L2</span>.</p>
<p>Ask for <a href="/city/2988507">a city</a>, <a href="/country/JP/top">the largest cities of a country</a>
  or <a href="/near?lat=35.7&amp;lon=139.7">a neighbourhood</a>; the headers <code>x-isolate</code>, <code>x-tier</code>
  and <code>x-version</code> tell who answered, from where, and which run of which isolate made the value.</p>
<p id="problem" role="status"></p>
<div class="figures" id="figures"></div>
<h2>Who answered</h2>
<div class="bar" id="bar"></div>
<div class="key" id="key"></div>
<h2>Isolates</h2>
<div class="scroll"><table id="isolates"></table></div>
<div id="ledger" hidden><h2>Durable Object</h2>
<div class="scroll"><table id="coordinator"></table></div></div>
<script>
  const tiers = { l1: 'L1, fresh', 'l1-stale': 'L1, stale while it is refreshed', flight: 'joined a computation',
    l2: 'L2', factory: 'waited for SQL' }
  const stacks = { do: 'a Durable Object', kv: 'Cloudflare KV and a Durable Object', upstash: 'Redis over HTTP' }
  const columns = ['L1', 'L1 stale', 'joined', 'L2', 'SQL']
  const seen = new Map()
  const show = (id, html) => { document.getElementById(id).innerHTML = html }
  const number = (value) => Number(value).toLocaleString('en')
  const percent = (part, whole) => (whole ? (100 * part / whole).toFixed(1) : '0') + ' %'
  const row = (tag, cells) => '<tr>' + cells.map((cell) => '<' + tag + '>' + cell + '</' + tag + '>').join('') + '</tr>'
  const sum = (pick) => [...seen.values()].reduce((total, one) => total + pick(one), 0)

  const whole = (counts) => Object.values(counts).reduce((total, count) => total + count, 0)

  // Redis does not tell the Worker what it counted.
  function inCoordinator({ generations, calls }, requests) {
    const all = whole(calls) + sum((one) => whole(one.kvCalls))
    return { 'generations seen': number(generations), 'L2 calls a request': requests ? (all / requests).toFixed(2) : '0' }
  }

  // Each request is answered by whichever isolate the router takes, so a few of them meet all.
  async function refresh() {
    const answers = await Promise.all(Array.from({ length: 3 }, () => fetch('/counters').then((reply) => reply.json())))
    const now = Date.now()
    for (const answer of answers) seen.set(answer.isolate, { ...answer, at: now })
    for (const [isolate, { at }] of seen) if (now - at > 60000) seen.delete(isolate)
    const { l2 } = answers[0]
    const coordinator = l2 === 'upstash' ? undefined : await fetch('/coordinator').then((reply) => reply.json())
    const requests = sum((one) => one.requests)
    const figures = { requests: number(requests), 'factory runs': number(sum((one) => one.factoryRuns)),
      'leases granted': number(sum((one) => one.leases)), 'SWR refreshes': number(sum((one) => one.refreshes)),
      ...(coordinator && inCoordinator(coordinator, requests)), 'in flight': sum((one) => one.inflight) }
    show('l2', stacks[l2])
    show('figures', Object.entries(figures).map(([name, value]) =>
      '<div class="figure"><b>' + value + '</b><span>' + name + '</span></div>').join(''))
    show('isolates', row('th', ['isolate', 'requests', ...columns, 'factory runs', 'refreshes', 'in flight'])
      + [...seen.values()].sort((a, b) => (a.isolate < b.isolate ? -1 : 1)).map((one) => row('td', [one.isolate,
        number(one.requests), ...Object.keys(tiers).map((tier) => number(one.served[tier])),
        number(one.factoryRuns), number(one.refreshes), one.inflight])).join(''))
    document.getElementById('ledger').hidden = !coordinator
    if (coordinator) show('coordinator', row('th', ['', ...Object.keys(coordinator.calls), 'leases', 'refused commits'])
      + row('td', ['calls', ...[...Object.values(coordinator.calls), coordinator.leasesGranted,
        coordinator.commitsRefused].map(number)]))
    for (const tier of Object.keys(tiers)) {
      const share = percent(sum((one) => one.served[tier]), requests)
      document.getElementById('bar-' + tier).style.width = share.replace(' ', '')
      document.getElementById('share-' + tier).textContent = share
    }
  }

  const colour = (tier) => 'style="background:var(--' + tier + ')"'
  show('bar', Object.keys(tiers).map((tier) => '<i id="bar-' + tier + '" ' + colour(tier) + '></i>').join(''))
  show('key', Object.entries(tiers).map(([tier, name]) =>
    '<span><i ' + colour(tier) + '></i>' + name + ' <b id="share-' + tier + '"></b></span>').join(''))
  const tick = () => refresh()
    .then(() => show('problem', ''), () => show('problem', 'The Worker does not answer.'))
    .finally(() => setTimeout(tick, 1000))
  tick()
</script>
</html>
`
