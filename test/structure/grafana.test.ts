// The Grafana dashboard keeps to the form that Grafana reads, overlaps nowhere, and asks only for metrics that there are.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { promisedMetrics, seriesOf, strangers } from '../lab/metric-table.ts'

const CLOSED = { additionalProperties: false } as const
const Datasource = Type.Object({ type: Type.Literal('prometheus'), uid: Type.Literal('${datasource}') }, CLOSED)
const Cell = Type.Integer({ minimum: 0 })
const GridPos = Type.Object({ x: Cell, y: Cell, w: Type.Integer({ minimum: 1, maximum: 24 }), h: Cell }, CLOSED)
const Id = Type.Integer({ minimum: 1 })
const Text = Type.String({ minLength: 1 })

const RowPanel = Type.Object(
  {
    id: Id,
    type: Type.Literal('row'),
    title: Text,
    collapsed: Type.Literal(false),
    panels: Type.Array(Type.Never()),
    gridPos: GridPos,
  },
  CLOSED,
)

const Target = Type.Object(
  {
    refId: Type.String({ pattern: '^[A-Z]$' }),
    datasource: Datasource,
    editorMode: Type.Literal('code'),
    expr: Text,
    legendFormat: Text,
    range: Type.Literal(true),
  },
  CLOSED,
)

const Step = Type.Object({ color: Text, value: Type.Union([Type.Null(), Type.Number()]) }, CLOSED)
const Mapping = Type.Object(
  {
    type: Type.Literal('value'),
    options: Type.Record(Type.String(), Type.Object({ text: Text, color: Text, index: Cell }, CLOSED)),
  },
  CLOSED,
)

const DataPanel = Type.Object(
  {
    id: Id,
    type: Type.Union([Type.Literal('timeseries'), Type.Literal('stat'), Type.Literal('state-timeline')]),
    title: Text,
    description: Text,
    datasource: Datasource,
    gridPos: GridPos,
    fieldConfig: Type.Object(
      {
        defaults: Type.Object(
          {
            unit: Type.Enum(['short', 's', 'bytes', 'Bps', 'reqps', 'percentunit']),
            min: Type.Literal(0),
            max: Type.Optional(Type.Number()),
            color: Type.Object({ mode: Type.Enum(['palette-classic', 'thresholds']) }, CLOSED),
            thresholds: Type.Object(
              { mode: Type.Literal('absolute'), steps: Type.Array(Step, { minItems: 1 }) },
              CLOSED,
            ),
            mappings: Type.Array(Mapping),
            custom: Type.Object({}),
          },
          CLOSED,
        ),
        overrides: Type.Array(Type.Never()),
      },
      CLOSED,
    ),
    options: Type.Object({}),
    targets: Type.Array(Target, { minItems: 1, maxItems: 26 }),
  },
  CLOSED,
)

const Variable = Type.Object({
  name: Type.String({ pattern: '^[a-z]+$' }),
  label: Text,
  type: Type.Enum(['datasource', 'query']),
  query: Type.Union([Type.String(), Type.Object({ query: Text, refId: Text }, CLOSED)]),
})

const Dashboard = Type.Object(
  {
    uid: Type.String({ pattern: '^[a-z-]{1,40}$' }),
    title: Text,
    description: Text,
    tags: Type.Array(Text),
    schemaVersion: Type.Integer({ minimum: 36 }),
    version: Id,
    editable: Type.Boolean(),
    graphTooltip: Type.Enum([0, 1, 2]),
    refresh: Text,
    time: Type.Object({ from: Text, to: Text }, CLOSED),
    timezone: Type.String(),
    annotations: Type.Object(
      { list: Type.Array(Type.Object({ name: Text, datasource: Datasource, expr: Text })) },
      CLOSED,
    ),
    links: Type.Array(Type.Never()),
    templating: Type.Object({ list: Type.Array(Variable) }, CLOSED),
    panels: Type.Array(Type.Union([RowPanel, DataPanel])),
  },
  CLOSED,
)

const FILE = new URL('../../config/observability/grafana-dashboard.json', import.meta.url)
const dashboard = JSON.parse(await readFile(FILE, 'utf8')) as Static<typeof Dashboard>
const dataPanels = dashboard.panels.filter((panel) => panel.type !== 'row')

type Box = Static<typeof GridPos>
const overlap = (a: Box, b: Box): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h

describe('the dashboard', () => {
  it('has the form that Grafana reads', () => {
    assert.deepEqual(
      Value.Errors(Dashboard, dashboard).map(({ instancePath, message }) => `${instancePath} ${message}`),
      [],
    )
  })

  it('gives every panel an id of its own and a place of its own', () => {
    const { panels } = dashboard
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    const collisions = panels.flatMap((a, i) =>
      panels.slice(i + 1).flatMap((b) => (overlap(a.gridPos, b.gridPos) ? [`${a.title} on ${b.title}`] : [])),
    )
    assert.deepEqual(collisions, [])
    for (const { title, gridPos } of panels) assert.ok(gridPos.x + gridPos.w <= 24, title)
  })

  it('gives every query of a panel a letter and a legend of its own', () => {
    for (const { title, targets } of dataPanels) {
      for (const key of ['refId', 'legendFormat'] as const) {
        assert.equal(new Set(targets.map((target) => target[key])).size, targets.length, `${title}: ${key}`)
      }
    }
  })

  it('asks only for metrics and labels that docs/metrics.md promises, and for nearly all of them', async () => {
    const metrics = await promisedMetrics()
    const series = seriesOf(metrics)
    const variables = dashboard.templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]))
    const queries = [
      ...dataPanels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...dashboard.annotations.list.map(({ expr }) => expr),
      ...variables,
    ]
    assert.deepEqual(
      queries.flatMap((expr) => strangers(expr, series)),
      [],
    )
    const shown = queries.join('\n')
    const unseen = metrics.map(({ name }) => name).filter((name) => !shown.includes(name))
    assert.deepEqual(unseen.toSorted(), [
      'sluice_config_last_reload_timestamp_seconds',
      'sluice_plugin_concurrency_limit_refused_total',
      'sluice_plugin_forward_auth_failures_total',
      'sluice_ratelimit_bound',
      'sluice_ratelimit_hot_keys',
      'sluice_ratelimit_redis_up',
      'sluice_worker_restarts_total',
      'sluice_worker_scrape_failures_total',
      'sluice_worker_unresponsive',
      'sluice_workers',
    ])
  })

  it('uses every variable that it offers, and no other', () => {
    const offered = dashboard.templating.list.map(({ name }) => name)
    const text = JSON.stringify([dashboard.panels, dashboard.annotations, dashboard.templating])
    const used = new Set(Array.from(text.matchAll(/\$\{?([a-z]+)\b/g), ([, name]) => name!))
    assert.deepEqual([...used].toSorted(), offered.toSorted())
  })
})
