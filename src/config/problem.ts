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
