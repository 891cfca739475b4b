// Where a gateway gets its configuration from besides its own file, and what it keeps on disk.
import { Type, type Static } from 'typebox'
import { Secret } from './units.ts'

const CLOSED = { additionalProperties: false } as const

const EtcdTls = Type.Object(
  {
    ca: Type.Optional(
      Type.String({ minLength: 1, description: 'PEM file: authorities that may sign for etcd; absent: those of Node' }),
    ),
    cert: Type.Optional(Type.String({ minLength: 1, description: 'PEM file: the certificate of this gateway' })),
    key: Type.Optional(Type.String({ minLength: 1, description: 'PEM file: its private key' })),
  },
  { ...CLOSED, description: 'Files, relative to this one; replaced while running' },
)

const EtcdAuth = Type.Object(
  {
    username: Type.String({ minLength: 1, description: 'User of etcd' }),
    password: Secret({ description: 'Its password', minLength: 1 }),
  },
  { ...CLOSED, description: 'User of etcd' },
)

const EtcdSchema = Type.Object(
  {
    hosts: Type.Array(Type.String({ 'x-format': 'origin' }), {
      minItems: 1,
      maxItems: 16,
      description: 'Members of the etcd cluster',
    }),
    prefix: Type.String({ description: 'What every key begins with: /sluice/NAME', 'x-format': 'etcd-prefix' }),
    tls: Type.Optional(EtcdTls),
    auth: Type.Optional(EtcdAuth),
  },
  { ...CLOSED, description: 'Routes, upstreams, paths and plugins that many gateways share' },
)

export const ControlSchema = Type.Object(
  {
    directory: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Where the last good copy, the history and the audit log are kept, relative to this file',
      }),
    ),
    etcd: Type.Optional(EtcdSchema),
  },
  { ...CLOSED, description: 'The control plane' },
)

export const InstanceSchema = Type.String({
  description: 'Name of this gateway in a fleet; absent: the name of the host',
  'x-format': 'instance-name',
})

export type ControlConfig = Static<typeof ControlSchema>
export type EtcdSettings = Static<typeof EtcdSchema>
