/** What a daemon reports to support beyond the legacy routes. A controller checks before it uses one. */
export const CAPABILITIES = [
  'news',
  'progress',
  'records',
  'cancel',
  'rid',
  'in-use',
  'files',
  'pages',
  'pick-files',
  'namespaces',
  'snapshots',
  'whole',
  'plan',
  'reread',
  'clock',
  'in-place',
  'failures',
  'verify',
  'verify-schedule',
  'holds',
  'end-hooks',
  'recover-hooks',
  'pins',
  'elsewhere',
  'undo',
  'log',
  'drill',
  'plan-hash',
  'content',
  'plan-steps',
  'keep-old',
] as const

/** What a daemon reports only if it was started so that it can: without one, it need not be older. */
export const OPTIONAL_CAPABILITIES = [
  /** It has a --drill-dir, and takes a drill job. */
  'drill-schedule',
] as const

export type Capability = (typeof CAPABILITIES | typeof OPTIONAL_CAPABILITIES)[number]

/** Whether a daemon has reported the capability; a legacy daemon reports none. */
export function hasCapability(
  debug: { capabilities?: readonly string[] | undefined } | null | undefined,
  capability: Capability,
): boolean {
  return debug?.capabilities?.includes(capability) ?? false
}
