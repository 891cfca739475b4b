// docker-compose.yml in the form that this project uses: a closed schema, so that a misspelt key is a failing test. The
// whole Compose Specification allows far more.
import { readFile } from 'node:fs/promises'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { parse } from 'yaml'

const CLOSED = { additionalProperties: false } as const
const Text = Type.String({ minLength: 1 })
const Texts = Type.Array(Text)
const Duration = Type.String({ pattern: '^\\d+(?:s|m)$' })
/** /path, then options. */
const Tmpfs = Type.String({ pattern: '^/[a-z]+:size=\\d+m,mode=\\d{4}$' })
/** source:target, with :ro for files of the checkout. */
const Volume = Type.String({ pattern: '^(?:\\./[^:]+:/[^:]+:ro|[a-z-]+:/[^:]+)$' })

const HealthCheck = Type.Object(
  { test: Type.Array(Text, { minItems: 2 }), interval: Duration, timeout: Duration, retries: Type.Integer() },
  CLOSED,
)

const DependsOn = Type.Record(
  Text,
  Type.Object({ condition: Type.Enum(['service_healthy', 'service_completed_successfully']) }, CLOSED),
)

const Service = Type.Object(
  {
    image: Text,
    build: Type.Optional(Type.Object({ context: Text }, CLOSED)),
    user: Type.Optional(Type.String({ pattern: '^[1-9]\\d*:[1-9]\\d*$' })),
    entrypoint: Type.Optional(Texts),
    command: Type.Optional(Type.Array(Type.String())),
    environment: Type.Optional(Type.Record(Type.String({ pattern: '^[A-Z_]+$' }), Text)),
    volumes: Type.Optional(Type.Array(Volume)),
    tmpfs: Type.Optional(Type.Array(Tmpfs)),
    ports: Type.Optional(Type.Array(Type.String({ pattern: '^127\\.0\\.0\\.1:\\d+:\\d+$' }))),
    ulimits: Type.Optional(
      Type.Object({ nofile: Type.Object({ soft: Type.Integer(), hard: Type.Integer() }, CLOSED) }, CLOSED),
    ),
    sysctls: Type.Optional(Type.Record(Type.String({ pattern: '^net\\.[a-z0-9_.]+$' }), Type.Integer())),
    stop_grace_period: Type.Optional(Duration),
    healthcheck: Type.Optional(HealthCheck),
    depends_on: Type.Optional(DependsOn),
    read_only: Type.Literal(true),
    cap_drop: Type.Tuple([Type.Literal('ALL')]),
    security_opt: Type.Tuple([Type.Literal('no-new-privileges:true')]),
    restart: Type.Enum(['unless-stopped', 'no']),
    logging: Type.Object({ driver: Text, options: Type.Record(Text, Text) }, CLOSED),
  },
  CLOSED,
)

const Compose = Type.Object(
  {
    name: Text,
    'x-hardened': Type.Object({}),
    services: Type.Record(Text, Service),
    volumes: Type.Record(Text, Type.Object({}, CLOSED)),
  },
  CLOSED,
)

export type ComposeFile = Static<typeof Compose>

export async function readCompose(): Promise<ComposeFile> {
  const text = await readFile(new URL('../../docker-compose.yml', import.meta.url), 'utf8')
  return parse(text, { merge: true }) as ComposeFile
}

/** One line for each place that is not in the form. */
export function formFaults(file: unknown): string[] {
  return Value.Errors(Compose, file).map(({ instancePath, message }) => `${instancePath} ${message}`)
}
