import { localDriver } from '../../src/objects/drivers/local.ts'
import { type FaultyDriver, faultyDriver } from './faulty-driver.ts'
import { onEnd } from './lifetime.ts'

/** A local driver over `dir`, with faults to order; the test fails if one was never hit. */
export function faultyLocal(dir: string): FaultyDriver {
  const faulty = faultyDriver(localDriver(dir))
  onEnd(() => faulty.assertAllHit())
  return faulty
}
