/** What a daemon says it can do, beyond the legacy routes: a controller that needs one of these asks first. */
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
] as const

export type Capability = (typeof CAPABILITIES)[number]

/** Whether a daemon told that it can; one of the legacy system tells nothing. */
export function hasCapability(
  debug: { capabilities?: readonly string[] | undefined } | null | undefined,
  capability: Capability,
): boolean {
  return debug?.capabilities?.includes(capability) ?? false
}
