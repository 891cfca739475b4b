// What of the checkout a build gets to see, by .dockerignore: the last pattern that matches a path, or a folder above it,
// decides. `*` and `?` stay within a name, `**` does not.

export type Ignore = (path: string) => boolean

/** Says whether a path, relative to the context, is kept from the build. */
export function parseIgnore(text: string): Ignore {
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const excludes = !line.startsWith('!')
      return { excludes, pattern: expression(line.slice(excludes ? 0 : 1).replaceAll(/^\/|\/$/g, '')) }
    })
  return (path) => {
    const names = path.split('/')
    const paths = names.map((_, i) => names.slice(0, i + 1).join('/'))
    const last = rules.findLast(({ pattern }) => paths.some((each) => pattern.test(each)))
    return last?.excludes ?? false
  }
}

function expression(pattern: string): RegExp {
  const source = pattern.replaceAll(/\*\*\/|\*\*|\*|\?|[.+^${}()|[\]\\]/g, (found) => {
    if (found === '**/') return '(?:.*/)?'
    if (found === '**') return '.*'
    if (found === '*') return '[^/]*'
    return found === '?' ? '[^/]' : `\\${found}`
  })
  return new RegExp(`^${source}$`)
}
