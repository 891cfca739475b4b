// The token of the admin listener, asked for when the gateway wants one.
import { element, setText } from './page.js'

/** @typedef {import('./gateway-link.js').GatewayLink} GatewayLink */

export class SignIn {
  #link
  #input = element('token')
  #problem = element('token-problem')

  /** @param {GatewayLink} link */
  constructor(link) {
    this.#link = link
    element('sign-in-form').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault()
      this.#send(this.#input.value.trim())
    })
    element('sign-out').addEventListener('click', () => {
      link.signIn('')
      // Nothing that was shown stays behind.
      location.reload()
    })
  }

  /** @param {string} problem what the gateway said */
  ask(problem) {
    const wasSent = this.#link.hasToken
    element('sign-in').hidden = false
    element('overview').hidden = true
    element('sections').hidden = true
    element('sign-out').hidden = true
    this.#complain(wasSent ? `The gateway does not take this token: ${problem}` : '')
    this.#input.focus()
  }

  done() {
    element('sign-in').hidden = true
    element('overview').hidden = false
    element('sections').hidden = false
    element('sign-out').hidden = !this.#link.hasToken
    // A link sends no token.
    element('metrics').hidden = this.#link.hasToken
    this.#complain('')
    this.#input.value = ''
  }

  /** @param {string} token */
  #send(token) {
    // Others cannot be sent in a header.
    if (!/^[\x21-\x7e]+$/.test(token)) this.#complain('A token has no spaces and only characters of ASCII.')
    else this.#link.signIn(token)
  }

  /** @param {string} text '' when all is well */
  #complain(text) {
    setText(this.#problem, text)
    this.#input.setAttribute('aria-invalid', String(text !== ''))
  }
}
