// One thing that is wrong with a configuration, where it is, and how to mend it.

export interface Problem {
  readonly file: string
  /** 1-based. */
  readonly line: number
  readonly column: number
  /** Dotted path of the key, e.g. `upstreams.users.timeouts.connect`; '' for the document. */
  readonly key: string
  /** What is wrong, what was seen, what was expected, and the nearest valid name. */
  readonly message: string
}

/** `FILE:LINE:COL KEY message`, the form that editors and CI understand. */
export function formatProblem(problem: Problem): string {
  const key = problem.key === '' ? '' : `${problem.key}: `
  return `${problem.file}:${problem.line}:${problem.column} ${key}${problem.message}`
}

/** By file and position; the same words at the same place once. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>()
  return problems
    .filter(({ file, line, column, message }) => {
      const key = `${file}:${line}:${column}:${message}`
      return !seen.has(key) && seen.add(key)
    })
    .toSorted((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1))
}
