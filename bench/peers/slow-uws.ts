// An upstream that takes its time: each reply comes after 40 to 72 ms. Prints its port; counts its requests and tells
// them who asks over the channel to its parent.
import { loadUws } from '../../src/listeners/uws/load.ts'

const LEAST = 40
const SPREAD = 32

const uws = await loadUws()
let requests = 0
uws
  .App()
  .any('/*', (res) => {
    requests++
    let gone = false
    res.onAborted(() => (gone = true))
    setTimeout(
      () => {
        if (!gone) res.cork(() => res.end('four'))
      },
      LEAST + SPREAD * Math.random(),
    )
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (!socket) throw new Error('cannot listen')
    console.log(uws.us_socket_local_port(socket))
  })
process.on('message', () => process.send!(requests))
