import type { InventoryInstance, InventoryVolume } from '../wire/inventory.ts'

/** One instance of a volume. */
export interface ProofPlace {
  /** For people: `/data/db of shop.web.web, instance 1`. */
  label: string
  server: InventoryInstance['server']
  verify?: InventoryVolume['verify']
  drill?: InventoryVolume['drill']
}

/** What a daemon has once for all volumes of its server: the key where it is written, its word, and its value. */
function* listShared({
  verify,
  drill,
}: ProofPlace): Generator<[string, string, string | number | undefined]> {
  if (verify && verify !== 'off') {
    yield ['verify', 'schedule', verify.spec]
    yield ['verify', 'budget', verify.budgetBytes]
  }
  if (drill) yield ['drill', 'schedule', drill.spec]
}

/** Finds the volumes that name another schedule or budget than an earlier volume of their server. */
export function* findProofConflicts<Place extends ProofPlace>(
  places: Iterable<Place>,
): Generator<{ place: Place; message: string; key: string }> {
  const first = new Map<string, { label: string; value: string | number }>()
  for (const place of places) {
    const { server, label } = place
    for (const [key, word, value] of listShared(place)) {
      if (value === undefined) continue
      const known = first.get(`${server} ${key} ${word}`)
      if (!known) first.set(`${server} ${key} ${word}`, { label, value })
      else if (known.value !== value)
        yield { place, key, message: describeConflict(place, known.label, { key, word }) }
    }
  }
}

function describeConflict(
  { label, server }: ProofPlace,
  other: string,
  { key, word }: { key: string; word: string },
): string {
  return `${label}, and ${other}, both on ${server}, name different values of "${word}" in "${key}": a daemon has one for all its volumes. Name it once, or the same`
}
