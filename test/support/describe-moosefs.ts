import { describe, it } from 'vitest'
import { noMooseFs } from './moosefs.ts'

/** A group of tests on a real MooseFS; one that is skipped, with the reason, where none can be run. */
export function describeMooseFs(name: string, tests: () => void): void {
  if (noMooseFs === undefined) describe(name, tests)
  else it(name, ({ skip }) => skip(noMooseFs))
}
