import { holdRealPath } from '../../src/volume/held-volume.ts'
import { onEnd } from './lifetime.ts'

/** Holds a volume until the test ends, whether it exists or not. */
export function heldVolume(path: string) {
  const held = holdRealPath(path)
  onEnd(() => held[Symbol.dispose]())
  return held
}
