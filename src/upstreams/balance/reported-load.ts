// What an endpoint says about its load in a reply: `X-Endpoint-Load: 0.42`, or the text form of ORCA's
// `endpoint-load-metrics` (envoyproxy/envoy issue 6614, cncf/xds orca_load_report.proto): `TEXT cpu_utilization=0.3, ...`.
// JSON and binary reports are not read. The value comes from outside: it steers traffic, so nonsense counts as no report.

/** More is no report. */
const LONGEST = 1024
const NUMBER = /^[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?$/
const CPU = new Set(['cpu_utilization', 'cpu'])

/** 0 to 1, more counts as 1; -1 when there is no report, or none that can be understood. */
export function reportedLoad(header: string): number {
  if (header.length > LONGEST) return -1
  const text = (header.startsWith('TEXT ') ? header.slice('TEXT '.length) : header).trim()
  return text.includes('=') ? fromMetrics(text) : loadOf(text)
}

/** What the application says of itself goes before what its processor does, as in gRPC A58. */
function fromMetrics(text: string): number {
  let cpu = -1
  let application = -1
  for (const pair of text.split(',')) {
    const at = pair.indexOf('=')
    const name = pair.slice(0, Math.max(0, at)).trim()
    const isCpu = CPU.has(name)
    if (!isCpu && name !== 'application_utilization') continue
    // Two values that contradict each other, or one that is none: the whole report is not to be trusted.
    const load = loadOf(pair.slice(at + 1).trim())
    if (load < 0 || (isCpu ? cpu : application) >= 0) return -1
    if (isCpu) cpu = load
    else application = load
  }
  return application > 0 ? application : cpu >= 0 ? cpu : application
}

function loadOf(text: string): number {
  if (!NUMBER.test(text)) return -1
  const load = Number(text)
  return load === Infinity ? -1 : Math.min(1, load)
}
