// Several processes listen on one port. When one of them closes, the kernel resets the connections that it has set up and
// not handed over yet, unless it may move them to another one (Linux 5.14 and later).
import { readFile, writeFile } from 'node:fs/promises'

const SETTING = '/proc/sys/net/ipv4/tcp_migrate_req'

/** on: it was so; set: it is now; off: it may not be changed; none: this system does not know it. */
export type Migration = 'on' | 'set' | 'off' | 'none'

/** Lets the kernel move connections. Never rejects. */
export async function migrateRequests(setting = SETTING): Promise<Migration> {
  try {
    if ((await readFile(setting, 'utf8')).trim() === '1') return 'on'
  } catch {
    return 'none'
  }
  try {
    await writeFile(setting, '1')
    return 'set'
  } catch {
    return 'off'
  }
}
