// src/domain/health/ decides how the backups of each volume, each server and the controller itself are. The rules are
// pure functions (rules.ts, server-rules.ts, controller-rules.ts); board.ts keeps what they need of every job, so that a
// piece of news is judged at once without a look at other jobs. Nothing here reads the catalog or a daemon:
// ../update-health.ts does, and ../volume-health.ts answers users.

/** Worst first. */
export const VOLUME_STATES = [
  'CORRUPT',
  'NEVER',
  'OVERDUE',
  'FAILING',
  'SUSPECT',
  'PARTIAL',
  'UNUSUAL',
  'UNPROVEN',
  'PAUSED',
  'UNKNOWN',
  'OK',
] as const
export type VolumeState = (typeof VOLUME_STATES)[number]

/** The states that hold, each with unix ms since when. Never empty for a job that was judged. */
export type Standing = Partial<Record<VolumeState, number>>

/** The states that hold, worst first. */
export function listStates(standing: Standing): VolumeState[] {
  return VOLUME_STATES.filter((state) => standing[state] !== undefined)
}

export function findWorst(standing: Standing): VolumeState {
  return VOLUME_STATES.find((state) => standing[state] !== undefined) ?? 'UNKNOWN'
}

/** 0 is the worst. */
export function rankState(state: VolumeState): number {
  return VOLUME_STATES.indexOf(state)
}

/** What holds for any of them, since the first time. OK holds only if nothing else does. */
export function joinStandings(standings: readonly Standing[]): Standing {
  const joined: Standing = {}
  for (const standing of standings)
    for (const state of listStates(standing))
      joined[state] = Math.min(joined[state] ?? Number.POSITIVE_INFINITY, standing[state] ?? 0)
  const { OK, ...rest } = joined
  if (OK === undefined || Object.keys(rest).length > 0) return rest
  // All of them have been well only since the last of them became so.
  return { OK: Math.max(...standings.map((standing) => standing.OK ?? 0)) }
}

export function isSameStanding(one: Standing, other: Standing): boolean {
  return VOLUME_STATES.every((state) => one[state] === other[state])
}

/** Reads what an earlier version may have stored; states that this one does not know are left out. */
export function parseStanding(stored: Readonly<Record<string, unknown>>): Standing {
  const known = VOLUME_STATES.flatMap((state) => {
    const since = stored[state]
    return typeof since === 'number' ? [[state, since]] : []
  })
  return Object.fromEntries(known)
}
