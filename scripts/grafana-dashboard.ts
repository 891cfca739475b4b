// config/observability/grafana-dashboard.json: what each panel shows is in scripts/grafana-panels.ts, how a dashboard is
// written in JSON is here. `scripts/generate.ts` writes the file.
import { format, resolveConfig } from 'prettier'
import { ROWS, VARIABLES, type Look, type Panel, type Row } from './grafana-panels.ts'

/** Grafana's grid. */
const COLUMNS = 24
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const

export async function grafanaDashboard(): Promise<string> {
  const dashboard = {
    uid: 'sluice-overview',
    title: 'Sluice',
    description: 'The gateway, its upstreams and its process. Written by scripts/generate.ts.',
    tags: ['sluice'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: '',
    annotations: { list: [reloads()] },
    links: [],
    templating: { list: [datasourceVariable(), ...VARIABLES.map(queryVariable)] },
    panels: place(ROWS),
  }
  return format(JSON.stringify(dashboard), { ...(await resolveConfig(import.meta.filename)), parser: 'json' })
}

/** A line in every panel where a configuration took effect. */
function reloads(): object {
  return {
    name: 'Reloads',
    enable: true,
    iconColor: 'blue',
    datasource: DATASOURCE,
    expr: 'changes(sluice_config_version{instance=~"$instance"}[1m]) > 0',
    titleFormat: 'configuration reloaded',
    textFormat: '{{instance}}',
  }
}

/** Rows below each other, panels from left to right. Ids follow the order. */
function place(rows: readonly Row[]): object[] {
  const placed: object[] = []
  let id = 0
  let top = 0
  for (const { title, panels } of rows) {
    placed.push({
      id: ++id,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: top++, w: COLUMNS, h: 1 },
    })
    let left = 0
    let height = 0
    for (const panel of panels) {
      const { w, h } = panel
      if (left + w > COLUMNS) {
        top += height
        left = 0
        height = 0
      }
      placed.push(panelOf(panel, ++id, { x: left, y: top, w, h }))
      left += w
      height = Math.max(height, h)
    }
    top += height
  }
  return placed
}

function panelOf(panel: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: panel.look === 'states' ? 'state-timeline' : panel.look === 'figure' ? 'stat' : 'timeseries',
    title: panel.title,
    description: panel.description,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: defaultsOf(panel), overrides: [] },
    options: OPTIONS[panel.look],
    targets: panel.queries.map(({ expr, legend }, i) => ({
      refId: String.fromCodePoint(65 + i),
      datasource: DATASOURCE,
      editorMode: 'code',
      expr,
      legendFormat: legend,
      range: true,
    })),
  }
}

function defaultsOf({ unit, look, max, warnAbove, alarmAbove, names }: Panel): object {
  const steps = [
    { color: names === undefined ? 'green' : 'text', value: null },
    ...(warnAbove === undefined ? [] : [{ color: 'orange', value: warnAbove }]),
    ...(alarmAbove === undefined ? [] : [{ color: 'red', value: alarmAbove }]),
  ]
  return {
    unit,
    min: 0,
    ...(max === undefined ? {} : { max }),
    color: { mode: look === 'lines' || look === 'areas' ? 'palette-classic' : 'thresholds' },
    thresholds: { mode: 'absolute', steps },
    mappings: names === undefined ? [] : [{ type: 'value', options: Object.fromEntries(names.map(nameOf)) }],
    custom: CUSTOM[look],
  }
}

function nameOf([text, color]: readonly [string, string], index: number): [string, object] {
  return [String(index), { text, color, index }]
}

const LEGEND = { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] }
const GRAPH = { legend: LEGEND, tooltip: { mode: 'multi', sort: 'desc' } }

const OPTIONS: Readonly<Record<Look, object>> = {
  lines: GRAPH,
  areas: GRAPH,
  figure: {
    colorMode: 'value',
    graphMode: 'area',
    justifyMode: 'auto',
    orientation: 'auto',
    textMode: 'auto',
    reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  },
  states: {
    alignValue: 'left',
    mergeValues: true,
    rowHeight: 0.9,
    showValue: 'auto',
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'single', sort: 'none' },
  },
}

const LINES = { drawStyle: 'line', lineWidth: 1, fillOpacity: 0, showPoints: 'never', spanNulls: false }
const CUSTOM: Readonly<Record<Look, object>> = {
  lines: LINES,
  areas: { ...LINES, fillOpacity: 30, stacking: { mode: 'normal', group: 'A' } },
  figure: {},
  states: { fillOpacity: 80, lineWidth: 0 },
}

function datasourceVariable(): object {
  return {
    name: 'datasource',
    label: 'Data source',
    type: 'datasource',
    query: 'prometheus',
    refresh: 1,
    hide: 0,
    current: {},
  }
}

function queryVariable({ name, label, query }: (typeof VARIABLES)[number]): object {
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    definition: query,
    query: { query, refId: `variable-${name}` },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    // Without it "All" would be a list of all values, which an URL may not hold for a thousand routes.
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
    hide: 0,
  }
}
