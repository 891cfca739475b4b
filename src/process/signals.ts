// SIGTERM and SIGINT end the gateway gracefully, a second one at once; SIGHUP reloads, SIGUSR1 opens log files anew, SIGUSR2
// restarts.

export interface SignalHandlers {
  stop(signal: NodeJS.Signals): void
  /** Stop was asked for twice. */
  abort(): void
  reload(): void
  reopenLogs(): void
  restart(): void
}

/** To be called first of all: a signal during start-up must not end the process by surprise, or open Node's debugger (SIGUSR1). */
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
  process.on('SIGUSR1', () => handlers.reopenLogs())
  process.on('SIGUSR2', () => handlers.restart())
}
