// Members that are equally near, with the balancer that chooses among them.
import type { Balancer } from './balance/balancer.ts'
import type { Member } from './member.ts'

export type MakeBalancer = (members: readonly Member[], weights: Float64Array) => Balancer

export class Level {
  readonly members: readonly Member[]
  /** What each gets of the traffic of the level, relative to the others. */
  readonly weights: Float64Array
  readonly balancer: Balancer
  /** Sum of the configured weights of those that may be used, and of all. */
  usable = 0
  total = 0
  /** Part of all traffic that this level and those before it get. */
  upTo = 1

  constructor(members: readonly Member[], makeBalancer: MakeBalancer) {
    this.members = members
    // As configured at first: a ring for consistent hashing is measured by it, whoever is out or warms up just now.
    this.weights = Float64Array.from(members, ({ origin }) => origin.weight)
    this.balancer = makeBalancer(members, this.weights)
  }

  /** Somebody who may be used and is not in `failed`, from the place of `index` on; null when there is nobody. */
  otherThan(failed: readonly unknown[], index: number): Member | null {
    const { length } = this.members
    for (let i = 0; i < length; i++) {
      const at = (index + i) % length
      if (this.weights[at]! > 0 && !failed.includes(this.members[at])) return this.members[at]!
    }
    return null
  }
}

/** Nearest first: own zone, own region, everybody else. One level when nobody knows where this gateway is. */
export function levelsOf(
  members: readonly Member[],
  { zone, region }: { readonly zone: string; readonly region: string },
  makeBalancer: MakeBalancer,
): Level[] {
  if (zone === '' && region === '') return [new Level(members, makeBalancer)]
  const near: Member[][] = [[], [], []]
  for (const member of members) {
    const { origin } = member
    const sameRegion = region !== '' && origin.region === region
    // Zones may be called alike in two regions.
    const sameZone = zone !== '' && origin.zone === zone && (region === '' || origin.region === '' || sameRegion)
    near[sameZone ? 0 : sameRegion ? 1 : 2]!.push(member)
  }
  const levels = near.filter((group) => group.length > 0).map((group) => new Level(group, makeBalancer))
  return levels.length > 0 ? levels : [new Level([], makeBalancer)]
}
