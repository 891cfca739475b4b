// The page as a whole: what is asked for when, and which part of the page shows it.
import { ConfigurationSection } from './configuration-section.js'
import { ExchangesSection } from './exchanges-section.js'
import { ExplainSection } from './explain-section.js'
import { Figures } from './figures.js'
import { FiguresSection } from './figures-section.js'
import { GatewayLink } from './gateway-link.js'
import { ConnectionState } from './connection-state.js'
import { element, setText } from './page.js'
import { RoutesSection } from './routes-section.js'
import { SignIn } from './sign-in.js'
import { UpstreamsSection } from './upstreams-section.js'
import { rate } from './words.js'
import { WorkersSection } from './workers-section.js'

/** @typedef {import('./figures.js').StatsReport} StatsReport */

const figures = new Figures()
const figuresSection = new FiguresSection()
const workers = new WorkersSection()
const routes = new RoutesSection()
const upstreams = new UpstreamsSection()
const exchanges = new ExchangesSection(() => link.refresh('exchanges'))
const configuration = new ConfigurationSection()
let restarts = 0
/** The version whose routes the page knows, or is asking for. */
let known = 0
/** Unix ms of the latest reload error that was told. */
let told = 0
const ASK_AGAIN = 5_000

const link = new GatewayLink(
  [
    {
      name: 'upstreams',
      every: 2,
      path: () => '/admin/v1/upstreams',
      show: (report) => upstreams.show(report),
      failed: (problem) => upstreams.failed(problem),
    },
    {
      name: 'exchanges',
      every: 2,
      path: () => exchanges.path,
      show: (report) => exchanges.show(report),
      failed: (problem) => exchanges.failed(problem),
    },
    {
      name: 'snapshots',
      every: 5,
      path: () => '/admin/v1/snapshots',
      show: (report) => configuration.showSnapshots(report),
      failed: (problem) => configuration.failed(problem),
    },
  ],
  { stats: showStats, state: (...now) => state.show(...now) },
)
const signIn = new SignIn(link)
const state = new ConnectionState(link, { signIn, gap: () => figuresSection.gap() })
new ExplainSection(link).listen()
link.start()

/** @param {StatsReport} stats */
function showStats(stats) {
  const reading = figures.read(stats)
  if (figures.restarts !== restarts) {
    restarts = figures.restarts
    known = 0
    upstreams.restart()
    figuresSection.gap()
    state.announce('The gateway has restarted.')
  }
  figuresSection.show(reading)
  workers.show(reading.workers)
  upstreams.measure(reading.upstreams)
  routes.show(reading.routes)
  configuration.show(stats.configuration, stats.time)
  state.ready(stats.ready)
  tellRejection(stats.configuration.lastError)
  if (stats.configuration.version !== known) void describeRoutes(stats.configuration.version)
  setText(element('version'), stats.version)
  setText(element('foot-text'), `Sluice ${stats.version}, configuration ${stats.configuration.version}`)
  document.title = `${rate(reading.traffic.requests)}/s, Sluice`
}

/** Routes change with the configuration only. @param {number} version */
async function describeRoutes(version) {
  known = version
  try {
    routes.describe(await link.ask('/admin/v1/routes'))
  } catch {
    // Their names and traffic are known anyway.
    setTimeout(() => (known = 0), ASK_AGAIN)
  }
}

/** Once for each: whoever does not see the banner hears it. @param {StatsReport['configuration']['lastError']} error */
function tellRejection(error) {
  if (error === null || error.time === told) return
  told = error.time
  state.announce('The latest configuration was rejected.')
}
