// `sluice/plugin` and `sluice/testing` from anywhere on disk: a resolve hook leads these names to the gateway's own copies.
import { registerHooks } from 'node:module'

const FACES: Readonly<Record<string, string>> = {
  'sluice/plugin': new URL('../contract/plugin.ts', import.meta.url).href,
  'sluice/testing': new URL('../contract/testing.ts', import.meta.url).href,
}

let hooked = false

/** May be called more than once. */
export function hookPublicFace(): void {
  if (hooked) return
  hooked = true
  registerHooks({
    resolve(specifier, context, next) {
      const face = FACES[specifier]
      if (face !== undefined) return { url: face, shortCircuit: true }
      const resolved = next(specifier, context)
      const revision = /\?revision=\w+$/.exec(context.parentURL ?? '')
      // A changed plugin is loaded anew with all that lies beside it: Node keeps one module per URL for ever.
      if (revision === null || !/^\.\.?\//.test(specifier) || !resolved.url.startsWith('file:')) return resolved
      return { ...resolved, url: resolved.url + revision[0] }
    },
  })
}
