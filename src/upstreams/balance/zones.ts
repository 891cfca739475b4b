// Near endpoints first: how much traffic stays in the own zone, in the own region, and how much goes further. The shares of
// Envoy's priority levels (docs, "Priority levels" and "Overprovisioning factor").

export interface Level {
  /** Sum of the weights that may be used now. */
  readonly usable: number
  /** Sum of all weights. */
  readonly total: number
}

/**
 * Share of the traffic of each level, nearest first; their sum is 1, or all are 0 when nothing is usable.
 * `overprovisioning` 1.4: a level is able to carry all of its traffic as long as 1/1.4 of it is usable.
 */
export function sharesOfLevels(levels: readonly Level[], overprovisioning = 1.4): number[] {
  const able = levels.map(({ usable, total }) =>
    usable > 0 && total > 0 ? Math.min(1, (overprovisioning * usable) / total) : 0,
  )
  const together = able.reduce((sum, part) => sum + part, 0)
  // When all of them cannot carry everything, everyone is asked for more than it is able to.
  const strain = together > 0 && together < 1 ? 1 / together : 1
  let left = 1
  return able.map((part) => {
    const share = Math.min(left, part * strain)
    left -= share
    return share
  })
}
