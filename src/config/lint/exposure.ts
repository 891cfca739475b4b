// What is open to more people than was probably meant.
import type { Subject } from './subject.ts'

/** Characters; the schema asks for 16. */
const LONG_TOKEN = 24

export function lintExposure(subject: Subject): void {
  const { admin, trustedProxies = [], observability } = subject.valid.config
  const { bind = '', token = '' } = admin ?? {}
  const isOpen = bind !== '' && !/^(unix:|127\.|\[::1\]|localhost:)/.test(bind)
  if (isOpen && token.length < LONG_TOKEN)
    subject.warn(
      ['admin', 'token'],
      `a token of ${token.length} characters guards a listener off loopback; take ${LONG_TOKEN} or more`,
    )
  else if (isOpen && new Set(token).size < 8)
    subject.warn(['admin', 'token'], 'the token repeats few characters; take a random one')
  for (const [i, range] of trustedProxies.entries())
    if (range.endsWith('/0'))
      subject.warn(['trustedProxies', i], `${range} is everybody: each client may say who it is`)
  const names = new Set(subject.valid.config.routes.map(({ name }) => name))
  for (const [i, { route }] of (observability?.traces?.rules ?? []).entries())
    if (route !== undefined && !names.has(route))
      subject.warn(['observability', 'traces', 'rules', i, 'route'], `there is no route "${route}" at present`)
}
