// Workers share their addresses with whoever has them already, also with another gateway that was started by mistake: so the
// supervisor first tries whether the address could be had alone, and is the only one to do so until its workers have it.
import type { Candidate, Prepared, Serving } from '../control/serving.ts'
import { claimAddress, type AddressClaim } from '../listeners/address-claim.ts'

export class AddressCheck implements Serving {
  readonly #isOurs: (name: string, bind: string) => boolean
  #served: ReadonlySet<string> = new Set()

  /** `isOurs`: the generation before has it still. */
  constructor(isOurs: (name: string, bind: string) => boolean) {
    this.#isOurs = isOurs
  }

  async prepare({ validated }: Candidate): Promise<Prepared> {
    const { listeners } = validated.valid.config
    const claims: AddressClaim[] = []
    const giveUp = (): void => {
      for (const claim of claims) claim.giveUp()
    }
    for (const { name, bind } of listeners) {
      if (bind.endsWith(':0') || this.#served.has(bind) || this.#isOurs(name, bind)) continue
      const claim = await claimAddress(bind, false).catch((error: unknown) => {
        giveUp()
        throw new Error(`cannot listen on ${bind}: ${(error as Error).message}`, { cause: error })
      })
      claims.push(claim)
    }
    return {
      activate: async () => {
        this.#served = new Set(listeners.map(({ bind }) => bind))
        giveUp()
      },
      discard: async () => giveUp(),
    }
  }
}
