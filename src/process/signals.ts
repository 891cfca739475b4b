// SIGTERM and SIGINT end the gateway gracefully, a second one at once; SIGHUP reloads, SIGUSR2 opens log files anew
// (SIGUSR1 belongs to Node's debugger).

export interface SignalHandlers {
  stop(signal: NodeJS.Signals): void
  /** Stop was asked for twice. */
  abort(): void
  reload(): void
  reopenLogs(): void
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
  process.on('SIGUSR2', () => handlers.reopenLogs())
}
