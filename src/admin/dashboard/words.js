// Figures as people read them. The dashboard and `sluice top` share this.

/** What stands where nothing is known. */
export const NOTHING = '–'

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** @param {number} value three or four digits that matter: 950, 9,500, 95.0k, 9.50M */
export function count(value) {
  if (value < 10_000) return WHOLE.format(value)
  if (value < 999_500) return `${fixed(value / 1e3)}k`
  if (value < 999_500_000) return `${fixed(value / 1e6)}M`
  return `${fixed(value / 1e9)}G`
}

/** @param {number | null} value per second; null is unknown */
export function rate(value) {
  if (value === null) return NOTHING
  if (value === 0) return '0'
  if (value < 0.05) return '<0.1'
  return value < 9.95 ? value.toFixed(1) : count(value)
}

/** @param {number | null | undefined} value ms */
export function duration(value) {
  if (value === null || value === undefined) return NOTHING
  if (value === 0) return '0 ms'
  if (value < 0.01) return '<0.01 ms'
  if (value < 0.995) return `${value.toFixed(2)} ms`
  if (value < 9.95) return `${value.toFixed(1)} ms`
  if (value < 999.5) return `${Math.round(value)} ms`
  if (value < 9_950) return `${(value / 1e3).toFixed(1)} s`
  return span(value)
}

/** @param {number} value ms: 12 s, 3 min, 2 h 5 min, 3 d 4 h */
export function span(value) {
  const seconds = Math.max(0, Math.floor(value / 1e3))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** @param {number | null} value bytes */
export function bytes(value) {
  if (value === null) return NOTHING
  if (value < 1024) return `${Math.round(value)} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let scaled = value / 1024
  let unit = 0
  for (; scaled >= 1023.5 && unit < units.length - 1; unit++) scaled /= 1024
  return `${scaled < 99.95 ? fixed(scaled) : Math.round(scaled)} ${units[unit]}`
}

/** @param {number | null} value from 0 to 1 */
export function share(value) {
  if (value === null) return NOTHING
  if (value === 0) return '0 %'
  if (value < 0.001) return '<0.1 %'
  return `${(value * 100).toFixed(value < 0.0995 ? 1 : 0)} %`
}

/** @param {number} value unix ms: the time of day, with the day when it is another one */
export function moment(value, now = Date.now()) {
  const date = new Date(value)
  const time = date.toLocaleTimeString('en-GB')
  const isToday = date.toDateString() === new Date(now).toDateString()
  return isToday ? time : `${date.toLocaleDateString('en-CA')} ${time}`
}

/** @param {number} amount @param {string} one @param {string} many */
export function plural(amount, one, many = `${one}s`) {
  return `${count(amount)} ${amount === 1 ? one : many}`
}

/** @param {number} value */
function fixed(value) {
  return value < 9.995 ? value.toFixed(2) : value.toFixed(1)
}
