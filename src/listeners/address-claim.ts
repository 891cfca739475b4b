// How an address is had. All listeners share their port (SO_REUSEPORT), so that the next generation of the gateway, or
// another worker, can listen beside this one. The kernel would then give half of the clients to a second gateway that
// somebody has started by mistake: so whoever has no right to share first tries whether it could have the address alone.
import { linkSync, lstatSync, renameSync, statSync, unlinkSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { takeTurn } from './address-turn.ts'
import { parseBind, type BindAddress } from '../contract/listener.ts'

/** Others let nobody share a port, or give all connections to the last that came. */
export const SHARES_PORTS = process.platform === 'linux'

/** An address that nobody else has, from now until it is taken or given up. */
export interface AddressClaim {
  /** Where to listen: a port that is not 0, or the name of a socket beside the one that clients use. */
  readonly address: BindAddress
  /** The listener listens: clients find it from now on. Throws when the name of a socket cannot be had. */
  take(): void
  /** It does not, or not any more. The name of a socket goes, unless another listener has it by now. */
  giveUp(): void
}

/** Rejects with an Error that says what stands in the way. `shared`: others of ours may have the address. */
export async function claimAddress(bind: string, shared: boolean): Promise<AddressClaim> {
  if (shared || !SHARES_PORTS || bind.endsWith(':0')) return claim(bind, shared)
  const giveBack = await takeTurn(bind)
  try {
    const had = await claim(bind, shared)
    return {
      address: had.address,
      take() {
        had.take()
        giveBack()
      },
      giveUp() {
        had.giveUp()
        giveBack()
      },
    }
  } catch (error) {
    giveBack()
    throw error
  }
}

async function claim(bind: string, shared: boolean): Promise<AddressClaim> {
  const address = parseBind(bind)
  if ('path' in address) return claimPath(address.path, shared)
  if (!SHARES_PORTS) return { address, take() {}, giveUp() {} }
  if (address.port === 0) return claimAnyPort(address.host)
  if (!shared) await close(await listen({ ...address, exclusive: true }))
  return { address, take() {}, giveUp() {} }
}

/** uWS does not share a port that the kernel chooses. So it is held by another socket until there is the real one. */
async function claimAnyPort(host: string): Promise<AddressClaim> {
  const holder = await listen({ host, port: 0, reusePort: true })
  const { port } = holder.address() as AddressInfo
  const letGo = (): void => void holder.close()
  return { address: { host, port }, take: letGo, giveUp: letGo }
}

let claims = 0

/**
 * A socket is made under a name of its own and renamed: at no moment is there none, or one that nobody listens to. The one
 * that had the name keeps another one beside it, until it is closed: the new one may fail.
 *
 *   path     first ── second ─┬─ (it stays)        path     second
 *   before            first   └─ (it gives up)     path     first
 */
async function claimPath(path: string, shared: boolean): Promise<AddressClaim> {
  const { error } = await probePath(path)
  if (error === 'EEXIST') throw new Error('there is a file, which is no socket')
  if (error === '' && !shared) throw new Error('the address is in use')
  const beside = join(dirname(path), `.s${process.pid}-${claims++}`)
  let taken = 0
  return {
    address: { path: beside },
    take() {
      if (shared && error === '') keepBefore(path)
      renameSync(beside, path)
      taken = statSync(path).ino
    },
    giveUp() {
      if (taken === 0) return remove(beside)
      if (inodeOf(nameBefore(path)) === taken) remove(nameBefore(path))
      if (inodeOf(path) === taken && !restoreBefore(path)) remove(path)
    },
  }
}

/** `error` is '' when somebody listens there, EEXIST when it is another kind of file. */
function probePath(path: string): Promise<{ error: string }> {
  const entry = lstatSync(path, { throwIfNoEntry: false })
  if (entry === undefined) return Promise.resolve({ error: 'ENOENT' })
  if (!entry.isSocket()) return Promise.resolve({ error: 'EEXIST' })
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve({ error: '' })
    })
    // EAGAIN: so many wait there that there is no room.
    probe.once('error', ({ code }: NodeJS.ErrnoException) => {
      resolve({ error: code === 'EAGAIN' || code === 'EACCES' ? '' : (code ?? 'ENOTCONN') })
    })
  })
}

const nameBefore = (path: string): string => join(dirname(path), `.${basename(path)}.before`)

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

function keepBefore(path: string): void {
  remove(nameBefore(path))
  try {
    linkSync(path, nameBefore(path))
  } catch {
    // It is gone by now, or this file system has no second names.
  }
}

/** Gives a path back to the socket that had it before, if that is there still. */
export function restoreBefore(path: string): boolean {
  try {
    renameSync(nameBefore(path), path)
    return true
  } catch {
    return false
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It is gone already.
  }
}

interface ListenAddress {
  readonly host: string
  readonly port: number
  readonly reusePort?: boolean
  readonly exclusive?: boolean
}

function listen(address: ListenAddress): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  return listenOn(server, address).then(() => server)
}

/** Rejects with an Error that says in words what stands in the way. */
export function listenOn(server: Server, address: ListenAddress | { readonly path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(error.code === 'EADDRINUSE' ? new Error('the address is in use', { cause: error }) : error)
    }
    server.once('error', fail)
    server.listen(address, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** `bind` with the port that it became. */
export function realAddress(bind: string, port: number): string {
  return bind.startsWith('unix:') ? bind : bind.replace(/:\d+$/, `:${port}`)
}
