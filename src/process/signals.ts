// SIGTERM and SIGINT end the gateway gracefully, a second one at once; SIGHUP reloads.

export interface SignalHandlers {
  stop(signal: NodeJS.Signals): void
  /** Stop was asked for twice. */
  abort(): void
  reload(): void
}

export function onSignals(handlers: SignalHandlers): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) handlers.abort()
    else {
      stopping = true
      handlers.stop(signal)
    }
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('SIGHUP', () => handlers.reload())
}
