// Is the gateway there? Said in the header, in a banner, and once to whoever listens.
import { element, setText } from './page.js'

/** @typedef {import('./gateway-link.js').GatewayLink} GatewayLink */
/** @typedef {import('./gateway-link.js').LinkState} LinkState */

/** @type {Record<LinkState, string>} */
const WORDS = {
  connecting: 'Connecting',
  live: 'Live',
  away: 'Away',
  refused: 'Refused',
  unauthorized: 'Signed out',
  paused: 'Paused',
}

export class ConnectionState {
  /** @type {LinkState} */
  #state = 'connecting'
  #parts

  /**
   * @param {GatewayLink} link
   * @param {{ signIn: { ask: (problem: string) => void, done: () => void }, gap: () => void }} parts gap: reports are missing from here on
   */
  constructor(link, parts) {
    this.#parts = parts
    element('try-now').addEventListener('click', () => link.start())
  }

  /** @param {LinkState} state @param {string} detail @param {number} retryIn ms */
  show(state, detail, retryIn) {
    const before = this.#state
    this.#state = state
    const isAway = state === 'away' || state === 'refused'
    if (isAway) {
      setText(element('away-title'), state === 'away' ? 'The gateway does not answer' : 'The gateway refuses')
      setText(element('away-text'), `${detail.replace(/\.$/, '')}. Trying again in ${Math.round(retryIn / 1000)} s.`)
    }
    if (state === 'unauthorized') this.#parts.signIn.ask(detail)
    if (state === before) return
    element('away').hidden = !isAway
    element('state').dataset['state'] = state
    setText(element('state-text'), WORDS[state])
    element('overview').classList.toggle('stale', isAway)
    if (state === 'live') this.#parts.signIn.done()
    if (isAway || state === 'paused') this.#parts.gap()
    if (isAway) {
      document.title = 'Away, Sluice'
      this.announce(state === 'away' ? 'The gateway does not answer.' : `The gateway refuses: ${detail}`)
    } else if (state === 'live' && (before === 'away' || before === 'refused')) this.announce('The gateway is back.')
  }

  /** @param {boolean} ready */
  ready(ready) {
    element('state').dataset['state'] = ready ? 'live' : 'draining'
    setText(element('state-text'), ready ? 'Live' : 'Not ready')
  }

  /** @param {string} text */
  announce(text) {
    setText(element('announcer'), text)
  }
}
