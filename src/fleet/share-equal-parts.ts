import type { Interruptible } from '../lib/in-slices.ts'
import type { InventoryApp, InventoryVolume } from '../wire/inventory.ts'

/**
 * Makes equal volumes and schedules of an app the same objects: the instances of a proc have the same volumes, and most
 * volumes the same schedules. Halves the memory that a large inventory takes.
 */
export function* shareEqualParts({ procs }: InventoryApp): Interruptible<void> {
  const shareVolume = createShare<InventoryVolume>()
  const shareSchedules = createShare<InventoryVolume['schedules']>()
  const shareSchedule = createShare<InventoryVolume['schedules'][number]>()
  for (const { instances } of procs)
    for (const instance of instances)
      for (const [at, volume] of instance.volumes.entries()) {
        const shared = shareVolume(volume)
        if (shared === volume) volume.schedules = shareSchedules(volume.schedules.map(shareSchedule))
        instance.volumes[at] = shared
        yield
      }
}

/** Returns the first value that was equal to the given one. */
function createShare<T>(): (value: T) => T {
  const known = new Map<string, T>()
  return (value) => {
    const key = JSON.stringify(value)
    const first = known.get(key) ?? value
    known.set(key, first)
    return first
  }
}
