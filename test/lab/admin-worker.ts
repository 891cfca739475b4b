// A process that serves like a worker: a gateway with the private listener on which a supervisor asks.
//
//   node test/lab/admin-worker.ts CONFIGURATION SOCKET
import { startWorkerAdmin } from '../../src/admin/server.ts'
import { Gateway } from '../../src/gateway.ts'
import { Logs } from '../../src/telemetry/logs.ts'

const [file = '', socket = ''] = process.argv.slice(2)
const logs = new Logs(null)
const gateway = await Gateway.start(file, logs)
await startWorkerAdmin(socket, gateway.plane)
const [listener] = gateway.plane.listeners
process.send!({ port: listener!.port })
process.once('disconnect', () => process.exit(0))
