// The cheapest that uWebSockets.js can be: one handler, one fixed reply. Prints its port.
import { loadUws } from '../../src/listeners/uws/load.ts'

const uws = await loadUws()
uws
  .App()
  .any('/*', (res) => {
    res.writeStatus('200 OK').writeHeader('content-type', 'text/plain; charset=utf-8').end('hello')
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (!socket) throw new Error('cannot listen')
    console.log(uws.us_socket_local_port(socket))
  })
