// Reads a Dockerfile instruction by instruction. Strict: what it does not know is an error, so that nothing in our file goes
// past the tests unread. No heredocs, no parser directives, no ARG: our file has none.

export interface Instruction {
  readonly keyword: string
  /** Behind the keyword, with the options. Continued lines are one. */
  readonly text: string
  readonly line: number
}

export interface Stage {
  readonly base: string
  /** '' for a stage that nobody copies from. */
  readonly name: string
  readonly instructions: readonly Instruction[]
}

export interface Copy {
  /** A stage, or '' for the build context. */
  readonly from: string
  readonly sources: readonly string[]
  readonly target: string
}

const KEYWORDS = new Set('FROM WORKDIR COPY RUN ENV USER EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD LABEL'.split(' '))

/** Throws with the line of the first thing that it does not understand. */
export function parseDockerfile(text: string): Stage[] {
  const stages: { base: string; name: string; instructions: Instruction[] }[] = []
  for (const instruction of instructionsOf(text)) {
    const { keyword, line } = instruction
    if (!KEYWORDS.has(keyword)) throw new Error(`line ${line}: ${keyword} is not an instruction that is known here`)
    if (keyword === 'FROM') {
      const [, base, name = ''] = /^(\S+)(?: AS ([a-z][a-z0-9-]*))?$/.exec(instruction.text) ?? []
      if (base === undefined) throw new Error(`line ${line}: FROM ${instruction.text}`)
      stages.push({ base, name, instructions: [] })
    } else if (stages.length === 0) throw new Error(`line ${line}: ${keyword} stands before FROM`)
    else stages.at(-1)!.instructions.push(instruction)
  }
  if (stages.length === 0) throw new Error('there is no FROM')
  return stages
}

function instructionsOf(text: string): Instruction[] {
  const found: Instruction[] = []
  let parts: string[] = []
  let begun = 0
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    if (parts.length === 0) begun = i + 1
    if (line.endsWith('\\')) {
      parts.push(line.slice(0, -1).trimEnd())
      continue
    }
    const whole = [...parts, line].join(' ')
    parts = []
    const [, keyword, rest] = /^([A-Z]+)\s+(.+)$/.exec(whole) ?? []
    if (keyword === undefined || rest === undefined) throw new Error(`line ${begun}: "${whole}" is no instruction`)
    found.push({ keyword, text: rest, line: begun })
  }
  if (parts.length > 0) throw new Error(`line ${begun}: the last instruction goes on behind the end`)
  return found
}

export function all(stage: Stage, keyword: string): Instruction[] {
  return stage.instructions.filter((instruction) => instruction.keyword === keyword)
}

/** The instruction that there must be once. */
export function only(stage: Stage, keyword: string): Instruction {
  const [found, second] = all(stage, keyword)
  if (found === undefined || second !== undefined) throw new Error(`${keyword} must be there once`)
  return found
}

/** The JSON array of an exec form. */
export function execForm(text: string): string[] {
  const words = JSON.parse(text) as unknown
  if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === 'string')) return words
  throw new Error(`${text} is not an exec form`)
}

export function copyOf({ text, line }: Instruction): Copy {
  const words = text.split(/\s+/)
  const [, from = ''] = /^--from=(.+)$/.exec(words[0]!) ?? []
  if (from !== '') words.shift()
  if (words.length < 2 || words.some((word) => /^--|[*?[\]"]/.test(word))) {
    throw new Error(`line ${line}: COPY ${text} has an option or pattern that is not known here`)
  }
  return { from, sources: words.slice(0, -1), target: words.at(-1)! }
}

export interface HealthCheck {
  /** interval, timeout, start-period, retries */
  readonly options: ReadonlyMap<string, string>
  readonly command: readonly string[]
}

export function healthCheckOf({ text }: Instruction): HealthCheck {
  const [, options = '', command = ''] = /^((?:--[a-z-]+=\S+ )*)CMD (.+)$/.exec(text) ?? []
  const pairs = [...options.matchAll(/--([a-z-]+)=(\S+)/g)].map(([, name, value]) => [name!, value!] as const)
  return { options: new Map(pairs), command: execForm(command) }
}

/** Only `NAME=value` without quotes. */
export function environmentOf(stage: Stage): Record<string, string> {
  const pairs = all(stage, 'ENV').flatMap(({ text }) => text.split(/\s+/))
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([A-Z_]+)=([^"'\s]+)$/.exec(pair) ?? []
      if (name === undefined || value === undefined) throw new Error(`ENV ${pair} is not NAME=value`)
      return [name, value]
    }),
  )
}
