// The metrics of a worker on their way to its supervisor: one line of JSON for each name, then lines with some of its
// series each, so that neither side has to make or read all of it at once.
//
//   {"name":"a_total","help":"A","kind":"counter"}
//   [[{"route":"r"},[["",null,3,null]]], ...]      labels, and the parts that have them: suffix, own label, value, exemplar
import { budgeted, type MetricSource } from '../../telemetry/exposition.ts'
import type { Exemplar, Labels, MetricKind, Series } from '../../telemetry/metrics.ts'
import { Slice } from '../../base/slice.ts'

/** Parts of one line. */
const STRIDE = 64

/** '' for none. */
type Suffix = NonNullable<Series['suffix']> | ''
type Own = readonly [name: string, value: string] | null
/** Numbers that JSON does not have are strings. */
type PartRow = readonly [Suffix, Own, number | string, Exemplar | null]
type SetRow = readonly [Labels, readonly PartRow[]]

/** Parts with the same labels, which stand together. */
export interface LabelSet {
  readonly labels: Labels
  readonly parts: readonly Series[]
}

export interface FamilyReport {
  readonly name: string
  readonly help: string
  readonly kind: MetricKind
  readonly sets: readonly LabelSet[]
}

/** A worker has said what no worker says. */
export class Garbage extends Error {}

export async function metricReport(metrics: MetricSource): Promise<string> {
  const lines: string[] = []
  const slice = new Slice()
  for (const { name, help, kind, series } of budgeted(metrics)) {
    lines.push(JSON.stringify({ name, help, kind }))
    let sets: [Labels, PartRow[]][] = []
    let parts = 0
    for (const each of series) {
      if (slice.over) await slice.pause()
      if (each === null || Number.isNaN(each.value)) continue
      // Only between two label sets: those of one line belong together.
      if (parts >= STRIDE && sets.at(-1)![0] !== each.labels) {
        lines.push(JSON.stringify(sets))
        sets = []
        parts = 0
      }
      if (sets.at(-1)?.[0] !== each.labels) sets.push([each.labels, []])
      sets.at(-1)![1].push(partRow(each))
      parts++
    }
    if (parts > 0) lines.push(JSON.stringify(sets))
  }
  return lines.join('\n') + '\n'
}

function partRow({ suffix, own, value, exemplar = null }: Series): PartRow {
  const [pair = null] = own === undefined ? [] : Object.entries(own)
  return [suffix ?? '', pair, Number.isFinite(value) ? value : String(value), exemplar]
}

/** Rejects with Garbage. */
export async function readMetricReport(bytes: Buffer): Promise<FamilyReport[]> {
  const families: FamilyReport[] = []
  let sets: LabelSet[] = []
  const slice = new Slice()
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf(10, start)
    const end = found < 0 ? bytes.length : found
    const line = parsed(bytes.toString('utf8', start, end))
    start = end + 1
    if (Array.isArray(line)) {
      if (families.length === 0) throw new Garbage('values without a name')
      for (const row of line) sets.push(readSet(row))
    } else families.push(readHead(line, (sets = [])))
    await slice.rest()
  }
  return families
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new Garbage('a line that is no JSON')
  }
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]{0,200}$/
const KINDS: readonly unknown[] = ['counter', 'gauge', 'histogram', 'summary'] satisfies MetricKind[]
const SUFFIXES: readonly unknown[] = ['', '_bucket', '_sum', '_count'] satisfies Suffix[]
const OWN: readonly unknown[] = ['le', 'quantile']

function readHead(value: unknown, sets: readonly LabelSet[]): FamilyReport {
  const { name, help, kind } = (value ?? {}) as Partial<Record<keyof FamilyReport, unknown>>
  if (typeof name !== 'string' || !NAME.test(name) || typeof help !== 'string' || !KINDS.includes(kind))
    throw new Garbage('a name that is none')
  return { name, help, kind: kind as MetricKind, sets }
}

function readSet(value: unknown): LabelSet {
  if (!Array.isArray(value) || !isLabels(value[0]) || !Array.isArray(value[1]))
    throw new Garbage('labels that are none')
  const [labels, parts] = value as unknown as SetRow
  return { labels, parts: parts.map((part) => readPart(labels, part)) }
}

function isLabels(value: unknown): value is Labels {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(([name, each]) => NAME.test(name) && typeof each === 'string')
}

function readPart(labels: Labels, row: unknown): Series {
  if (!Array.isArray(row)) throw new Garbage('a value that is none')
  const [suffix, own, given, exemplar] = row as unknown as PartRow
  const value = Number(given)
  if (!SUFFIXES.includes(suffix) || Number.isNaN(value) || !isOwn(own) || !isExemplar(exemplar))
    throw new Garbage('a value that is none')
  return {
    labels,
    value,
    ...(suffix === '' ? {} : { suffix }),
    ...(own === null ? {} : { own: { [own[0]]: own[1] } }),
    ...(exemplar === null ? {} : { exemplar }),
  }
}

function isOwn(own: unknown): own is Own {
  return own === null || (Array.isArray(own) && OWN.includes(own[0]) && typeof own[1] === 'string')
}

function isExemplar(value: unknown): value is Exemplar | null {
  if (value === null) return true
  const { traceId, value: seconds, time } = value as Partial<Exemplar>
  return typeof traceId === 'string' && typeof seconds === 'number' && typeof time === 'number'
}
