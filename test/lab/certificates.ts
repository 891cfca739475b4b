// Certificates for tests: an authority and what it signs, made by openssl.
import { execFile } from 'node:child_process'
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export class Authority {
  readonly #directory: string
  readonly #name: string

  private constructor(directory: string, name: string) {
    this.#directory = directory
    this.#name = name
  }

  /** Its files lie in `directory`: NAME.pem and NAME.key. */
  static async make(directory: string, name = 'ca'): Promise<Authority> {
    const [key, cert] = [join(directory, `${name}.key`), join(directory, `${name}.pem`)]
    const subject = ['-subj', `/CN=${name}`, '-days', '2', '-addext', 'basicConstraints=critical,CA:TRUE']
    await run('openssl', ['req', '-x509', ...NEW_KEY, '-keyout', key, '-out', cert, ...subject])
    return new Authority(directory, name)
  }

  get file(): string {
    return join(this.#directory, `${this.#name}.pem`)
  }

  /** Writes NAME.pem and NAME.key, for 127.0.0.1 and for both sides of a connection. Expired: it was valid long ago. */
  async sign(name: string, isExpired = false): Promise<{ readonly cert: string; readonly key: string }> {
    const path = (suffix: string): string => join(this.#directory, `${name}.${suffix}`)
    const [cert, key] = [path('pem'), path('key')]
    await run('openssl', ['req', ...NEW_KEY, '-keyout', key, '-out', path('csr'), '-subj', `/CN=${name}`])
    const text = 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\nbasicConstraints=CA:FALSE\n'
    await writeFile(path('ext'), text)
    await this.#issue(path, cert, isExpired)
    return { cert, key }
  }

  async #issue(path: (suffix: string) => string, cert: string, isExpired: boolean): Promise<void> {
    const own = join(this.#directory, this.#name)
    // `openssl x509` cannot make a certificate of the past; `openssl ca` can, but wants a list of what it has made.
    await writeFile(path('index'), '')
    await writeFile(path('serial'), `${Math.floor(Math.random() * 0xfffffff + 0x10000000).toString(16)}\n`)
    await writeFile(
      path('cnf'),
      `[ca]\ndefault_ca=own\n[own]\ndatabase=${path('index')}\nserial=${path('serial')}\nnew_certs_dir=${this.#directory}\n` +
        `default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n`,
    )
    const dates = isExpired ? ['20200101000000Z', '20200102000000Z'] : ['20200101000000Z', '20990101000000Z']
    const files = ['-config', path('cnf'), '-cert', `${own}.pem`, '-keyfile', `${own}.key`, '-in', path('csr')]
    const rest = ['-startdate', dates[0]!, '-enddate', dates[1]!, '-extfile', path('ext')]
    const out = path('signed')
    await run('openssl', ['ca', '-batch', '-notext', ...files, ...rest, '-out', out])
    await copyFile(out, cert)
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
