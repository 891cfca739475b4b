// The part of the configuration that describes upstreams: who they are, how one endpoint is chosen, and what happens when
// one of them fails.
import { Type, type Static } from 'typebox'
import { ByteSize, Duration, Share } from './units.ts'

const CLOSED = { additionalProperties: false } as const

const Zone = Type.String({ minLength: 1, description: 'Where it runs' })

export const EndpointSchema = Type.Object(
  {
    url: Type.String({ description: 'http://host:port or https://host:port', 'x-format': 'origin' }),
    weight: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 65_535, description: 'Share of requests among the endpoints', default: 1 }),
    ),
    zone: Type.Optional(Zone),
    region: Type.Optional(Zone),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'Shown by the admin API; nothing looks at it' }),
    ),
  },
  CLOSED,
)

const DnsDiscovery = Type.Object(
  {
    name: Type.String({ description: 'Name that is asked for', 'x-format': 'domain-name' }),
    type: Type.Optional(
      Type.Union([Type.Literal('A'), Type.Literal('AAAA'), Type.Literal('A+AAAA'), Type.Literal('SRV')], {
        description: 'Records that are looked up; SRV brings port and weight',
        default: 'A',
      }),
    ),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'Port of A and AAAA endpoints' })),
    scheme: Type.Optional(Type.Union([Type.Literal('http'), Type.Literal('https')], { default: 'http' })),
    servers: Type.Optional(
      Type.Array(Type.String({ 'x-format': 'name-server' }), {
        minItems: 1,
        description: 'Name servers, ip or ip:port; absent: those of the system',
      }),
    ),
    minimumTtl: Type.Optional(Duration({ description: 'Shorter TTLs count as this', default: '1s' })),
    maximumTtl: Type.Optional(Duration({ description: 'Longer TTLs count as this', default: '5m' })),
  },
  CLOSED,
)

const EtcdDiscovery = Type.Object(
  {
    hosts: Type.Array(Type.String({ 'x-format': 'origin' }), {
      minItems: 1,
      description: 'Members of the etcd cluster',
    }),
    registry: Type.Optional(
      Type.String({ minLength: 1, description: 'NAME in /sluice/NAME/endpoints/UPSTREAM/ID', default: 'sluice' }),
    ),
    upstream: Type.Optional(
      Type.String({ minLength: 1, description: 'UPSTREAM in the key; absent: the name of the upstream' }),
    ),
  },
  CLOSED,
)

const DiscoverySchema = Type.Union(
  [Type.Object({ dns: DnsDiscovery }, CLOSED), Type.Object({ etcd: EtcdDiscovery }, CLOSED)],
  { description: 'Where the endpoints come from when they are not listed' },
)

const TimeoutsSchema = Type.Object(
  {
    connect: Type.Optional(Duration({ description: 'To an established connection', default: '5s' })),
    response: Type.Optional(Duration({ description: 'From the request sent to the reply head', default: '10s' })),
    idle: Type.Optional(Duration({ description: 'Between two bytes of a body, either way', default: '30s' })),
    total: Type.Optional(
      Duration({ description: 'From the first to the last byte, retries included; absent: no limit' }),
    ),
    header: Type.Optional(
      Type.String({ description: 'Request field that tells the upstream how many ms of total are left' }),
    ),
  },
  CLOSED,
)

const ConnectionsSchema = Type.Object(
  {
    max: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, description: 'Connections per endpoint', default: 1024 }),
    ),
    queue: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000_000,
        description: 'Requests per endpoint that may wait for a connection',
        default: 1024,
      }),
    ),
    keepAlive: Type.Optional(Duration({ description: 'How long an idle connection is kept', default: '30s' })),
    maxRequests: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000_000,
        description: 'Requests after which a connection is closed (wire)',
        default: 1_000_000,
      }),
    ),
  },
  CLOSED,
)

const HashSchema = Type.Object(
  {
    key: Type.Optional(
      Type.String({
        description: 'client-ip, header:NAME, cookie:NAME or param:NAME',
        default: 'client-ip',
      }),
    ),
    bound: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 100,
        description: 'Most load of an endpoint, in shares of the mean; 0: no bound',
        default: 1.25,
      }),
    ),
  },
  CLOSED,
)

const StickySchema = Type.Object(
  {
    cookie: Type.String({ minLength: 1, description: 'Name of the cookie' }),
    maxAge: Type.Optional(Duration({ description: 'How long it is kept; absent: as long as the browser runs' })),
    path: Type.Optional(Type.String({ description: 'Path of the cookie', default: '/' })),
    secure: Type.Optional(Type.Boolean({ description: 'Over TLS only', default: false })),
    sameSite: Type.Optional(
      Type.Union([Type.Literal('Lax'), Type.Literal('Strict'), Type.Literal('None')], { default: 'Lax' }),
    ),
  },
  CLOSED,
)

const LoadAwareSchema = Type.Object(
  {
    interval: Type.Optional(Duration({ description: 'Between two looks', default: '5s' })),
    transition: Type.Optional(Duration({ description: 'How long a weight takes to its new value', default: '30s' })),
    floor: Type.Optional(Share({ description: 'Least part of the configured weight', default: '20%' })),
    ceiling: Type.Optional(Share({ description: 'Most of the configured weight', default: '200%' })),
  },
  CLOSED,
)

const HealthSchema = Type.Object(
  {
    path: Type.Optional(
      Type.String({ pattern: '^/', description: 'Asked for by GET; absent: a connection is enough' }),
    ),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'Absent: that of the endpoint' })),
    host: Type.Optional(Type.String({ description: 'Host field; absent: that of the endpoint' })),
    status: Type.Optional(
      Type.Array(Type.Integer({ minimum: 100, maximum: 599 }), {
        minItems: 1,
        description: 'Healthy statuses; absent: 200 to 399',
      }),
    ),
    interval: Type.Optional(Duration({ description: 'Between two checks', default: '5s' })),
    timeout: Type.Optional(Duration({ description: 'Of one check', default: '1s' })),
    healthy: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'Good checks in a row that bring it back', default: 2 }),
    ),
    unhealthy: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'Bad checks in a row that take it out', default: 3 }),
    ),
    jitter: Type.Optional(Share({ description: 'By how much the interval varies', default: '10%' })),
  },
  CLOSED,
)

const OutlierSchema = Type.Object(
  {
    consecutive: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10_000, description: 'Failures in a row that eject; 0: off', default: 5 }),
    ),
    interval: Type.Optional(Duration({ description: 'Between two comparisons with the group', default: '10s' })),
    ejection: Type.Optional(Duration({ description: 'First ejection; later ones are longer', default: '30s' })),
    maxEjection: Type.Optional(Duration({ description: 'Longest ejection', default: '5m' })),
    maxEjected: Type.Optional(Share({ description: 'Most of the endpoints that are out at once', default: '50%' })),
    successRate: Type.Optional(
      Type.Object(
        {
          deviations: Type.Optional(
            Type.Number({
              minimum: 0,
              maximum: 100,
              description: 'Standard deviations below the mean of the group that eject; 0: off',
              default: 1.9,
            }),
          ),
          requests: Type.Optional(
            Type.Integer({ minimum: 1, description: 'Requests per interval that are enough to judge', default: 100 }),
          ),
          endpoints: Type.Optional(
            Type.Integer({ minimum: 2, description: 'Endpoints with so many that are enough', default: 5 }),
          ),
        },
        CLOSED,
      ),
    ),
    latency: Type.Optional(
      Type.Object(
        {
          factor: Type.Optional(
            Type.Number({
              minimum: 0,
              maximum: 1000,
              description: 'Times the median of the group that eject; 0: off',
              default: 0,
            }),
          ),
          requests: Type.Optional(
            Type.Integer({ minimum: 1, description: 'Requests per interval that are enough to judge', default: 100 }),
          ),
        },
        CLOSED,
      ),
    ),
  },
  CLOSED,
)

const BreakerSchema = Type.Object(
  {
    per: Type.Optional(
      Type.Array(Type.Union([Type.Literal('endpoint'), Type.Literal('upstream')]), {
        minItems: 1,
        description: 'What has a breaker of its own; absent: each endpoint, and the upstream as a whole',
      }),
    ),
    window: Type.Optional(Duration({ description: 'How far back it looks', default: '10s' })),
    minimum: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Requests in the window before it may open', default: 20 }),
    ),
    failures: Type.Optional(
      Share({ description: 'Share of failures above which it opens; 0%: never', default: '50%' }),
    ),
    latency: Type.Optional(Duration({ description: 'It opens when p95 is above; absent: never' })),
    open: Type.Optional(Duration({ description: 'How long it stays open at first', default: '5s' })),
    probes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: 'Requests that decide when half open', default: 3 }),
    ),
    maxConcurrent: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Requests on their way to the upstream; absent: no limit' }),
    ),
    maxPending: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Of those, requests without a connection; absent: no limit' }),
    ),
  },
  CLOSED,
)

export const RETRY_REASONS = ['connect-failure', 'reset', 'timeout', '5xx'] as const

const RetriesSchema = Type.Object(
  {
    attempts: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10, description: 'Tries after the first; 0: none', default: 1 }),
    ),
    on: Type.Optional(
      Type.Array(
        Type.Union([
          ...RETRY_REASONS.map((reason) => Type.Literal(reason)),
          Type.Integer({ minimum: 400, maximum: 599 }),
        ]),
        { description: 'connect-failure, reset, timeout, 5xx, or statuses; absent: connect-failure and reset' },
      ),
    ),
    budget: Type.Optional(Share({ description: 'Most retries as a share of the requests', default: '20%' })),
    perTry: Type.Optional(
      Duration({ description: 'From a try, or the end of its upload, to its reply head; absent: the timeouts alone' }),
    ),
    backoff: Type.Optional(
      Duration({
        description: 'Longest wait before the first retry, doubled for each; the wait is random',
        default: '25ms',
      }),
    ),
    maxBackoff: Type.Optional(Duration({ description: 'Longest wait before any', default: '250ms' })),
    methods: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: 'Methods that may be repeated; absent: GET, HEAD, OPTIONS, PUT, DELETE',
      }),
    ),
    bodyLimit: Type.Optional(ByteSize({ description: 'Largest body that is kept to be sent again', default: '64KiB' })),
  },
  CLOSED,
)

const HedgeSchema = Type.Object(
  {
    after: Type.Optional(
      Type.Union([Type.Literal('p95'), Duration()], {
        description: 'When a second request is sent: p95 of late, or a time',
        default: 'p95',
      }),
    ),
    budget: Type.Optional(Share({ description: 'Most second requests as a share of the requests', default: '5%' })),
  },
  { ...CLOSED, description: 'GET and HEAD that take long are sent once more, elsewhere; the first reply wins' },
)

const FallbackSchema = Type.Union(
  [
    Type.Object({ upstream: Type.String({ description: 'Name of an upstream' }) }, CLOSED),
    Type.Object(
      {
        respond: Type.Object(
          {
            status: Type.Optional(Type.Integer({ minimum: 200, maximum: 599, default: 503 })),
            body: Type.Optional(Type.String({ default: '' })),
            headers: Type.Optional(Type.Record(Type.String(), Type.String())),
          },
          CLOSED,
        ),
      },
      CLOSED,
    ),
  ],
  { description: 'What requests get while nothing may be sent to this upstream' },
)

export const UpstreamSchema = Type.Object(
  {
    endpoints: Type.Optional(Type.Array(EndpointSchema, { minItems: 1 })),
    discovery: Type.Optional(DiscoverySchema),
    transport: Type.Optional(
      Type.Union([Type.Literal('auto'), Type.Literal('wire'), Type.Literal('undici')], {
        description: 'How bytes reach the endpoints; auto: wire for http, undici for https',
        default: 'auto',
      }),
    ),
    balance: Type.Optional(
      Type.Union(
        [
          Type.Literal('round-robin'),
          Type.Literal('least-connections'),
          Type.Literal('p2c'),
          Type.Literal('consistent-hash'),
          Type.Literal('random'),
        ],
        { description: 'How an endpoint is chosen', default: 'round-robin' },
      ),
    ),
    hash: Type.Optional(HashSchema),
    sticky: Type.Optional(StickySchema),
    slowStart: Type.Optional(
      Duration({ description: 'How long an endpoint that comes or recovers takes to its whole share', default: '10s' }),
    ),
    loadAware: Type.Optional(LoadAwareSchema),
    spillOver: Type.Optional(
      Share({
        description: 'Usable part of the own zone below which requests go to other zones too',
        default: '70%',
      }),
    ),
    panic: Type.Optional(
      Share({
        description: 'Healthy part below which health is not looked at: all share what none could carry; 0%: never',
        default: '50%',
      }),
    ),
    timeouts: Type.Optional(TimeoutsSchema),
    retries: Type.Optional(RetriesSchema),
    hedge: Type.Optional(HedgeSchema),
    health: Type.Optional(HealthSchema),
    outlier: Type.Optional(OutlierSchema),
    breaker: Type.Optional(BreakerSchema),
    fallback: Type.Optional(FallbackSchema),
    connections: Type.Optional(ConnectionsSchema),
    pipelining: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 64,
        description: 'Requests on their way on one connection (wire; for trusted upstreams only)',
        default: 1,
      }),
    ),
    maxHeadSize: Type.Optional(ByteSize({ description: 'Largest reply head that is accepted', default: '32KiB' })),
    maxHeaders: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Most fields of a reply head (wire)', default: 256 }),
    ),
  },
  CLOSED,
)

export type UpstreamConfig = Static<typeof UpstreamSchema>
export type EndpointConfig = Static<typeof EndpointSchema>
export type DiscoveryConfig = Static<typeof DiscoverySchema>
