// What a request would meet, and why: the account of `sluice explain`, asked of the gateway that serves.
import { create, element, setText } from './page.js'

/** @typedef {import('./gateway-link.js').GatewayLink} GatewayLink */

export class ExplainSection {
  #link
  #form = element('explain-form')
  #verdict = element('explain-verdict')
  #account = element('explain-account')
  #asked = 0

  /** @param {GatewayLink} link */
  constructor(link) {
    this.#link = link
  }

  /** From now on the form is answered. */
  listen() {
    this.#form.addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault()
      void this.#ask()
    })
  }

  async #ask() {
    const number = ++this.#asked
    const query = new URLSearchParams()
    query.append('method', element('explain-method').value.trim())
    query.append('url', element('explain-url').value.trim())
    for (const line of element('explain-headers').value.split('\n')) {
      if (line.trim() !== '') query.append('header', line.trim())
    }
    try {
      const account = await this.#link.ask(`/admin/v1/explain?${query.toString()}`)
      if (number === this.#asked) this.#show(account)
    } catch (error) {
      if (number !== this.#asked) return
      this.#say('bad', `Not explained: ${/** @type {Error} */ (error).message}`)
      this.#account.replaceChildren()
    }
  }

  /** @param {'good' | 'bad'} kind @param {string} text */
  #say(kind, text) {
    this.#verdict.className = `verdict ${kind}`
    setText(this.#verdict, text)
  }

  /** @param {any} account */
  #show(account) {
    const allow = account.allow === null || account.allow === undefined ? '' : ` (Allow: ${account.allow})`
    if (account.route === null) this.#say('bad', `No route: ${account.verdict}${allow}`)
    else this.#say('good', `Route ${account.route}${account.action === null ? '' : `, then ${account.action}`}`)
    this.#account.replaceChildren(
      ...block('Candidates, best first', candidates(account.candidates ?? [])),
      ...block('Parameters', parameters(account.parameters ?? {})),
      ...block('Plugins, in order', plugins(account.plugins ?? [])),
      ...block('Rewrite', rewrite(account.rewrite ?? null)),
    )
  }
}

/** @param {string} title @param {HTMLElement | null} content */
function block(title, content) {
  return content === null ? [] : [create('h3', 'sub', title), content]
}

/** @param {readonly any[]} list */
function candidates(list) {
  if (list.length === 0) return create('p', 'muted', 'None')
  const ordered = create('ol', 'candidates')
  for (const { route, outcome, detail } of list) {
    const item = create('li', outcome === 'won' ? 'won' : '')
    item.append(create('span', 'name', String(route)), ' ', create('span', 'outcome', String(outcome)))
    if (detail) item.append(' ', create('span', 'muted', String(detail)))
    ordered.append(item)
  }
  return ordered
}

/** @param {Record<string, string>} map */
function parameters(map) {
  const entries = Object.entries(map)
  if (entries.length === 0) return null
  const list = create('dl', 'facts')
  for (const [name, value] of entries) {
    const fact = create('div', 'fact')
    fact.append(create('dt', '', `{${name}}`), create('dd', '', value))
    list.append(fact)
  }
  return list
}

/** @param {object | null} change */
function rewrite(change) {
  return change === null ? null : create('code', '', JSON.stringify(change))
}

/** @param {readonly any[]} list */
function plugins(list) {
  if (list.length === 0) return create('p', 'muted', 'None')
  const ordered = create('ol', 'plugin-list')
  for (const { plugin, enabled, options, from } of list) {
    const item = create('li', enabled ? '' : 'off')
    item.append(create('span', 'name', String(plugin)), ' ', create('span', 'outcome', enabled ? 'on' : 'off'))
    if (enabled && options !== undefined) item.append(create('code', 'options', JSON.stringify(options)))
    for (const [i, origin] of (from ?? []).entries()) {
      item.append(create('span', 'origin', `${i === 0 ? 'from' : 'over'} ${origin}`))
    }
    ordered.append(item)
  }
  return ordered
}
