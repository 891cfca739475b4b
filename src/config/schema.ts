// The one description of a configuration: types, validator and config/gateway.schema.json come from it.
import { Type, type Static } from 'typebox'
import { Duration, Secret } from './units.ts'
import { HeaderCondition } from './condition-schema.ts'
import { ControlSchema, InstanceSchema } from './control-schema.ts'
import { LogsSchema } from './log-schema.ts'
import { TracesSchema } from './trace-schema.ts'
import { UpstreamSchema } from './upstream-schema.ts'

const CLOSED = { additionalProperties: false } as const

/** Each check of the canonical path can be relaxed where an upstream needs it. */
const PathRules = Type.Object(
  {
    encodedSlash: Type.Optional(
      Type.Union([Type.Literal('reject'), Type.Literal('keep')], {
        description: 'What %2F in a path gets',
        default: 'reject',
      }),
    ),
    backslash: Type.Optional(
      Type.Union([Type.Literal('reject'), Type.Literal('keep')], {
        description: 'What \\ and %5C in a path get',
        default: 'reject',
      }),
    ),
    nul: Type.Optional(
      Type.Union([Type.Literal('reject'), Type.Literal('keep')], {
        description: 'What %00 in a path gets',
        default: 'reject',
      }),
    ),
    invalidUtf8: Type.Optional(
      Type.Union([Type.Literal('reject'), Type.Literal('keep')], {
        description: 'What escapes that are not UTF-8 get',
        default: 'reject',
      }),
    ),
    aboveRoot: Type.Optional(
      Type.Union([Type.Literal('reject'), Type.Literal('clamp')], {
        description: 'What .. above the root gets',
        default: 'reject',
      }),
    ),
  },
  { ...CLOSED, description: 'How strictly request paths are made canonical' },
)

export const ListenerSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'Name in logs and errors' }),
    bind: Type.String({ description: 'host:port, [::]:port or unix:/path', 'x-format': 'bind' }),
    engine: Type.Optional(
      Type.Union([Type.Literal('uws'), Type.Literal('node')], {
        description: 'uws: fastest; node: strictest, HTTP/1.0 too',
        default: 'uws',
      }),
    ),
    canonicalPath: Type.Optional(PathRules),
  },
  CLOSED,
)

const MetricsSchema = Type.Object(
  {
    series: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 1_000_000,
        description: 'Label sets that one metric may have; the rest is added up under the label value `other`',
        default: 20_000,
      }),
    ),
  },
  { ...CLOSED, description: 'Metrics' },
)

const TOGGLES = 'Plugin name: options, or on / off'
const Plugins = Type.Record(Type.String(), Type.Unknown(), { description: TOGGLES })

/** Does this part of the schema leave the options of plugins open? Each plugin brings a schema of its own. */
export function isToggles(schema: object): boolean {
  return 'description' in schema && schema.description === TOGGLES
}

export const MatchSchema = Type.Object(
  {
    host: Type.Optional(Type.String({ description: 'api.example.com or *.example.com', 'x-format': 'host-pattern' })),
    path: Type.Optional(
      Type.String({ description: '/static, /{param}, /{rest*}, /* or /**', 'x-format': 'path-pattern' }),
    ),
    pathRegex: Type.Optional(
      Type.String({ description: 'Linear-time expression for the whole path', 'x-format': 'regex' }),
    ),
    method: Type.Optional(
      Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })], { description: 'GET, or [GET, POST]' }),
    ),
    headers: Type.Optional(Type.Record(Type.String(), HeaderCondition)),
    query: Type.Optional(Type.Record(Type.String(), HeaderCondition)),
  },
  CLOSED,
)

const HeaderValues = Type.Record(Type.String(), Type.String())

export const RouteSchema = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'Unique; appears in logs, metrics and explain' }),
    match: Type.Optional(MatchSchema),
    priority: Type.Optional(
      Type.Integer({ description: 'Higher wins between routes of equal precedence', default: 0 }),
    ),
    rewrite: Type.Optional(
      Type.Object(
        {
          path: Type.Optional(Type.String({ description: 'New path; {name} inserts a parameter' })),
          stripPrefix: Type.Optional(Type.String({ description: 'Removed from the start of the path' })),
          host: Type.Optional(Type.String({ description: 'Host header for the upstream' })),
        },
        CLOSED,
      ),
    ),
    upstream: Type.Optional(Type.String({ description: 'Name of an upstream' })),
    split: Type.Optional(
      Type.Array(
        Type.Object({ upstream: Type.String(), weight: Type.Integer({ minimum: 0, maximum: 65_535 }) }, CLOSED),
        { minItems: 1, description: 'Upstreams by share' },
      ),
    ),
    respond: Type.Optional(
      Type.Object(
        {
          status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, default: 200 })),
          body: Type.Optional(Type.String({ default: '' })),
          headers: Type.Optional(HeaderValues),
        },
        CLOSED,
      ),
    ),
    redirect: Type.Optional(
      Type.Object(
        {
          to: Type.String({ description: 'Location; may use {scheme} {host} {port} {path} {query} and parameters' }),
          status: Type.Optional(
            Type.Union(
              [301, 302, 303, 307, 308].map((status) => Type.Literal(status)),
              { default: 308 },
            ),
          ),
        },
        CLOSED,
      ),
    ),
    plugins: Type.Optional(Plugins),
  },
  CLOSED,
)

export const GatewaySchema = Type.Object(
  {
    $schema: Type.Optional(Type.String()),
    version: Type.Literal(1, { description: 'Version of this format' }),
    listeners: Type.Array(ListenerSchema, { minItems: 1 }),
    admin: Type.Optional(
      Type.Object(
        {
          bind: Type.String({ description: 'host:port or unix:/path', 'x-format': 'bind' }),
          token: Type.Optional(
            Secret({
              description:
                'What Authorization: Bearer must have, 16 visible ASCII characters or more; needed off loopback',
              minLength: 16,
              pattern: '^[\\x21-\\x7e]*$',
            }),
          ),
        },
        CLOSED,
      ),
    ),
    instance: Type.Optional(InstanceSchema),
    control: Type.Optional(ControlSchema),
    workers: Type.Optional(Type.Literal(1, { default: 1 })),
    trustedProxies: Type.Optional(
      Type.Array(Type.String({ 'x-format': 'cidr' }), {
        description: 'Whose X-Forwarded-* and Forwarded are believed',
      }),
    ),
    zone: Type.Optional(
      Type.String({ minLength: 1, description: 'Where this gateway runs: endpoints of the same zone are preferred' }),
    ),
    region: Type.Optional(Type.String({ minLength: 1, description: 'Where the zone is: its endpoints come second' })),
    drainTimeout: Type.Optional(
      Duration({ description: 'How long requests may finish after SIGTERM', default: '30s' }),
    ),
    drainDelay: Type.Optional(
      Duration({
        description:
          'How long new connections are taken still after SIGTERM, while /readyz is 503 and replies close theirs',
        default: '0s',
      }),
    ),
    observability: Type.Optional(
      Type.Object(
        {
          logs: Type.Optional(LogsSchema),
          metrics: Type.Optional(MetricsSchema),
          traces: Type.Optional(TracesSchema),
        },
        { ...CLOSED, description: 'What the gateway tells of itself' },
      ),
    ),
    pluginDirectories: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        description: 'Where plugins of your own lie, relative to this file',
      }),
    ),
    pluginOrder: Type.Optional(
      Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: 1000 }), {
        description: 'Positions of plugins that replace their own; lower runs first',
      }),
    ),
    plugins: Type.Optional(Plugins),
    paths: Type.Optional(Type.Record(Type.String(), Plugins, { description: 'Plugins per path pattern' })),
    upstreams: Type.Optional(Type.Record(Type.String(), UpstreamSchema)),
    routes: Type.Optional(Type.Array(RouteSchema, { description: 'Needed without control.etcd' })),
  },
  { ...CLOSED, title: 'Sluice gateway configuration' },
)

/** A valid configuration: units are numbers, defaults filled in, variables replaced. */
export type GatewayConfig = Static<typeof GatewaySchema> & { routes: RouteConfig[] }
export type ListenerConfig = Static<typeof ListenerSchema>
export type RouteConfig = Static<typeof RouteSchema>
export type MatchConfig = Static<typeof MatchSchema>
export type CanonicalPathRules = Static<typeof PathRules>
