// The canonical path: of paths that are canonical already, and of some that are not.
//   scripts/bench micro/path
import { canonicalPath } from '../../src/base/canonical-path.ts'
import { measure } from './measure.ts'

const PATHS = {
  short: '/api/users/42',
  long: `/api/${'a-segment/'.repeat(20)}end`,
  'with escapes': '/caf%c3%a9/%7Euser/a%20b',
  'with dots': '/a/b/../c/./d//e',
}
for (const [what, path] of Object.entries(PATHS)) {
  measure(`canonical path of ${path.length} characters, ${what}`, () => canonicalPath(path, {}).length)
}
