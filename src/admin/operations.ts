// The process and its fleet: what was done to them, who is there, and the end.
import { json } from './answer.ts'
import { audited, controlOf } from './audited.ts'
import type { Resource } from './resource.ts'

export const audit: Resource = {
  method: 'GET',
  path: '/admin/v1/audit',
  summary: 'who has changed what, latest first',
  access: 'read',
  parameters: ['limit'],
  handle: ({ query }, { control }) =>
    json({ entries: control?.audit.recent(query.integer('limit', 1, 1000, 100)) ?? [] }),
}

export const fleet: Resource = {
  method: 'GET',
  path: '/admin/v1/fleet',
  summary: 'the gateways that share this configuration, and which version each one serves',
  access: 'read',
  parameters: [],
  atOnce: 4,
  handle: async (_call, { control }) => json((await control?.fleet()) ?? { instance: '', members: [] }),
}

export const drain: Resource = {
  method: 'POST',
  path: '/admin/v1/drain',
  summary: 'takes no more requests, finishes those in flight, and ends, as SIGTERM does',
  access: 'write',
  parameters: [],
  async handle(call, state) {
    const control = controlOf(state)
    await audited(call, state, { action: 'drain', target: '' }, async () => {
      control.drain()
      return null
    })
    return { ...json({ draining: true }), status: 202 }
  },
}
