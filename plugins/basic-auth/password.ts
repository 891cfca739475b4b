// Stored passwords: `scrypt:N:r:p:SALT:HASH` (RFC 7914), salt and hash in base64.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

export interface StoredPassword {
  readonly cost: number
  readonly blockSize: number
  readonly parallelization: number
  readonly salt: Buffer
  readonly hash: Buffer
}

const FORM = /^scrypt:(\d{1,8}):(\d{1,3}):(\d{1,3}):([A-Za-z0-9+/]+={0,2}):([A-Za-z0-9+/]+={0,2})$/
const LEAST_COST = 1024
const MIB = 1024 * 1024
const MOST_MEMORY = 256 * MIB

/** Throws TypeError, which says what is wrong and shows nothing of it. */
export function readStoredPassword(text: string, where: string): StoredPassword {
  const match = FORM.exec(text)
  if (match === null) throw new TypeError(`${where} is not scrypt:N:r:p:SALT:HASH with salt and hash in base64`)
  const [cost, blockSize, parallelization] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const [salt, hash] = [Buffer.from(match[4]!, 'base64'), Buffer.from(match[5]!, 'base64')]
  if (cost < LEAST_COST || (cost & (cost - 1)) !== 0) {
    throw new TypeError(`${where}: N is ${cost}; a power of two from ${LEAST_COST} on is expected`)
  }
  if (blockSize < 1 || blockSize > 32 || parallelization < 1 || parallelization > 16) {
    throw new TypeError(`${where}: r is from 1 to 32 and p from 1 to 16; usual are 8 and 5`)
  }
  if (128 * cost * blockSize > MOST_MEMORY) {
    throw new TypeError(`${where}: each check would take ${(128 * cost * blockSize) / MIB} MiB; 256 are the most`)
  }
  if (salt.length < 8 || salt.length > 64) throw new TypeError(`${where}: a salt has from 8 to 64 bytes; usual are 16`)
  if (hash.length < 16 || hash.length > 64)
    throw new TypeError(`${where}: a hash has from 16 to 64 bytes; usual are 32`)
  return { cost, blockSize, parallelization, salt, hash }
}

/** A password that nobody knows and that costs as much to check as `like`. */
export function decoyOf(like: StoredPassword): StoredPassword {
  return { ...like, salt: randomBytes(like.salt.length), hash: randomBytes(like.hash.length) }
}

/** Takes a thread for as long as the parameters say. Rejects when there is no memory for it. */
export function matches(password: string, stored: StoredPassword): Promise<boolean> {
  const { cost, blockSize, parallelization, salt, hash } = stored
  const maxmem = 256 * cost * blockSize + 256 * blockSize * parallelization + MIB
  return new Promise((resolve, reject) => {
    scrypt(password, salt, hash.length, { cost, blockSize, parallelization, maxmem }, (error, derived) => {
      if (error === null) resolve(timingSafeEqual(derived, hash))
      else reject(error)
    })
  })
}
