// What the configuration says of logs, with its defaults.
import type { LogsConfig } from '../config/log-schema.ts'
import type { GatewayConfig } from '../config/schema.ts'
import type { SamplingRules } from '../telemetry/log-sampling.ts'
import { DEFAULT_LOG_SETTINGS, type LogSettings } from '../telemetry/logs.ts'

export function logSettings({ observability }: GatewayConfig): LogSettings {
  const { level, destination, entries, bytes, sampling } = observability?.logs ?? {}
  const standard = DEFAULT_LOG_SETTINGS
  return {
    level: level ?? standard.level,
    destination: destination ?? standard.destination,
    bounds: { entries: entries ?? standard.bounds.entries, bytes: bytes ?? standard.bounds.bytes },
    sampling: sampling === undefined ? null : samplingRules(sampling),
  }
}

function samplingRules({ rate, debug, info, warn }: NonNullable<LogsConfig['sampling']>): SamplingRules {
  return {
    rate,
    debug: { share: debug?.share ?? 0.1, above: debug?.above ?? 0.01 },
    info: { share: info?.share ?? 0.1, above: info?.above ?? 0.01 },
    warn: { share: warn?.share ?? 1, above: warn?.above ?? 1 },
  }
}
