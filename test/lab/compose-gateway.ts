// The configuration of docker-compose.yml's gateway, checked as the gateway would check it.
import { readFile } from 'node:fs/promises'
import { formatProblem } from '../../src/config/problem.ts'
import type { GatewayConfig } from '../../src/config/schema.ts'
import { InvalidConfiguration, validate } from '../../src/control/publish.ts'
import { builtInPlugins } from '../../src/live-state.ts'

export const TOKEN = 'a-token-of-more-than-16-characters'
const FILE = new URL('../../config/observability/gateway.yaml', import.meta.url)

export function composeConfiguration(): Promise<string> {
  return readFile(FILE, 'utf8')
}

/** Rejects with every problem that it has. */
export async function validCompose(): Promise<{ text: string; config: GatewayConfig }> {
  const text = await composeConfiguration()
  try {
    const env = { SLUICE_ADMIN_TOKEN: TOKEN }
    const { valid } = await validate(text, FILE.pathname, await builtInPlugins(), { env })
    return { text, config: valid.config }
  } catch (error) {
    if (!(error instanceof InvalidConfiguration)) throw error
    throw new Error(error.problems.map(formatProblem).join('\n'), { cause: error })
  }
}
