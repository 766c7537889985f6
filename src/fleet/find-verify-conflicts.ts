import type { InventoryInstance, InventoryVolume } from '../wire/inventory.ts'

/** One instance of a volume. */
export interface VerifyPlace {
  /** For people: `/data/db of shop.web.web, instance 1`. */
  label: string
  server: InventoryInstance['server']
  verify?: InventoryVolume['verify']
}

/** A daemon has one schedule and one budget for all volumes of its server. */
const SHARED = [
  ['spec', 'schedule'],
  ['budgetBytes', 'budget'],
] as const

/** Finds the volumes that name another schedule or budget than an earlier volume of their server. */
export function* findVerifyConflicts<Place extends VerifyPlace>(
  places: Iterable<Place>,
): Generator<{ place: Place; message: string }> {
  const first = new Map<string, { label: string; value: string | number }>()
  for (const place of places) {
    const { verify, server, label } = place
    if (!verify || verify === 'off') continue
    for (const [key, word] of SHARED) {
      const value = verify[key]
      if (value === undefined) continue
      const known = first.get(`${server} ${key}`)
      if (!known) first.set(`${server} ${key}`, { label, value })
      else if (known.value !== value) yield { place, message: describeConflict(place, known.label, word) }
    }
  }
}

function describeConflict({ label, server }: VerifyPlace, other: string, word: string): string {
  return `${label}, and ${other}, both on ${server}, name different values of "${word}" in "verify": a daemon has one for all its volumes. Name it once, or the same`
}
