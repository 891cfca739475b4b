// Small steps on the page. Text always goes in as text: names and errors come from anywhere.

/** @param {string} id @returns {any} An element of index.html. */
export function element(id) {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`index.html has no #${id}`)
  return found
}

/** Touches the page only when something has changed. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {any}
 */
export function create(tag, className = '', text = '') {
  const made = document.createElement(tag)
  if (className !== '') made.className = className
  if (text !== '') made.textContent = text
  return made
}

/** @typedef {readonly [className: string, text: string]} Part */

/** The element gets one span for each part; those that are there already are kept. @param {Element} host @param {readonly Part[]} parts */
export function setParts(host, parts) {
  while (host.children.length > parts.length) host.lastElementChild?.remove()
  parts.forEach(([className, text], i) => {
    const span = host.children[i] ?? host.appendChild(document.createElement('span'))
    if (span.className !== className) span.className = className
    setText(span, text)
  })
}

/** One item for each text. @param {HTMLElement} list @param {readonly string[]} texts */
export function setItems(list, texts) {
  while (list.children.length > texts.length) list.lastElementChild?.remove()
  texts.forEach((text, i) => setText(list.children[i] ?? list.appendChild(document.createElement('li')), text))
}

/** A list of terms and what they are, in place. @param {HTMLElement} list @param {readonly (readonly [string, string])[]} facts */
export function setFacts(list, facts) {
  while (list.children.length > facts.length) list.lastElementChild?.remove()
  facts.forEach(([term, text], i) => {
    const row = list.children[i] ?? list.appendChild(create('div', 'fact'))
    if (row.childElementCount === 0) row.append(create('dt'), create('dd'))
    const [dt, dd] = row.children
    if (dt !== undefined) setText(dt, term)
    if (dd !== undefined) setText(dd, text)
  })
}
