// What a gateway tells who scrapes it.
import { request } from 'node:http'

/** The text of /metrics on this port of an admin listener. */
export function scrape(port: number, accept = '*/*'): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, path: '/metrics', headers: { accept }, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error(text))))
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Values by name with labels, as they stand in the text. */
export function series(text: string): ReadonlyMap<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end + 1))]
    }),
  )
}

/** Values whose name begins so, added up. */
export function total(text: string, start: string): number {
  let sum = 0
  for (const [name, value] of series(text)) if (name.startsWith(start)) sum += value
  return sum
}
