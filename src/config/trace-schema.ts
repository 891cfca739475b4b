// The part of a configuration that says which requests are traced, and where their spans go.
import { Type, type Static } from 'typebox'
import { HeaderCondition } from './condition-schema.ts'
import { Duration, Secret, Share } from './units.ts'

const CLOSED = { additionalProperties: false } as const

const RuleSchema = Type.Object(
  {
    route: Type.Optional(Type.String({ description: 'Name of a route' })),
    header: Type.Optional(Type.Record(Type.String(), HeaderCondition, { description: 'Request headers' })),
    baggage: Type.Optional(Type.Record(Type.String(), HeaderCondition, { description: 'Items of the baggage' })),
    share: Share({ description: 'Part of these requests that is traced' }),
  },
  { ...CLOSED, description: 'What all hold for is traced with this share; the first rule that fits counts' },
)

export const TracesSchema = Type.Object(
  {
    otlp: Type.Object(
      {
        url: Type.String({
          description: 'OTLP/HTTP receiver, with its path; without one it is /v1/traces',
          'x-format': 'http-url',
        }),
        headers: Type.Optional(Type.Record(Type.String(), Secret(), { description: 'Sent with every batch' })),
        timeout: Type.Optional(Duration({ description: 'For one batch, tries again included', default: '10s' })),
      },
      { ...CLOSED, description: 'Where spans go' },
    ),
    ratio: Type.Optional(Share({ description: 'Part of the new traces that is recorded', default: '1%' })),
    rules: Type.Optional(Type.Array(RuleSchema, { maxItems: 64, description: 'Other shares for some requests' })),
    errors: Type.Optional(
      Type.Boolean({ description: 'Record requests that failed, whatever was decided', default: true }),
    ),
    slow: Type.Optional(Duration({ description: 'Record requests that took as long, whatever was decided' })),
    trust: Type.Optional(
      Type.Union([Type.Literal('proxies'), Type.Literal('everyone'), Type.Literal('nobody')], {
        description: 'Whose traceparent is continued and decides: that of trustedProxies, of every client, or none',
        default: 'proxies',
      }),
    ),
    queue: Type.Optional(
      Type.Integer({ minimum: 64, maximum: 65_536, description: 'Spans that may wait to be sent', default: 2048 }),
    ),
    service: Type.Optional(Type.String({ minLength: 1, description: 'service.name of the spans', default: 'sluice' })),
  },
  { ...CLOSED, description: 'Traces (OpenTelemetry)' },
)

export type TracesConfig = Static<typeof TracesSchema>
