// Light, dark, or as the system has it. A classic script, not a module: it runs before the first paint.
{
  const KEY = 'sluice-theme'
  const NAMES = /** @type {const} */ (['auto', 'light', 'dark'])
  const LABELS = { auto: 'Auto', light: 'Light', dark: 'Dark' }
  const root = document.documentElement

  /** @returns {(typeof NAMES)[number]} Storage may be forbidden, and may hold anything. */
  const kept = () => {
    try {
      const name = localStorage.getItem(KEY)
      return NAMES.find((known) => known === name) ?? 'auto'
    } catch {
      return 'auto'
    }
  }

  /** @param {(typeof NAMES)[number]} name */
  const show = (name) => {
    if (name === 'auto') delete root.dataset['theme']
    else root.dataset['theme'] = name
    const label = document.getElementById('theme-name')
    if (label !== null) label.textContent = LABELS[name]
    document.dispatchEvent(new Event('themechange'))
  }

  let theme = kept()
  show(theme)
  document.addEventListener('DOMContentLoaded', () => {
    show(theme)
    document.getElementById('theme')?.addEventListener('click', () => {
      theme = NAMES[(NAMES.indexOf(theme) + 1) % NAMES.length] ?? 'auto'
      try {
        localStorage.setItem(KEY, theme)
      } catch {
        // It lasts as long as the page then.
      }
      show(theme)
    })
  })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => show(theme))
}
