// What is valid and yet hardly meant: warnings, with the place of each. Every rule stays silent when in doubt.
import type { State } from '../assembly.ts'
import { inOrder, type Problem } from '../problem.ts'
import type { Work } from '../work.ts'
import { lintExposure } from './exposure.ts'
import { lintPaths } from './paths.ts'
import { lintPlugins } from './plugins.ts'
import { lintRoutes } from './routes.ts'
import { lintSecrets } from './secrets.ts'
import { Subject } from './subject.ts'
import { lintUpstreams } from './upstreams.ts'

export function* lint(state: State): Work<Problem[]> {
  const subject = new Subject(state)
  lintExposure(subject)
  yield* lintRoutes(subject)
  yield* lintUpstreams(subject)
  yield* lintPlugins(subject)
  yield* lintPaths(subject)
  yield* lintSecrets(subject)
  return inOrder(subject.warnings)
}
