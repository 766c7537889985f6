import { describe, it } from 'vitest'
import { noMooseFs } from './moosefs.ts'

/** A group of tests on a real MooseFS; skipped, with the reason, if this machine cannot run one. */
export function describeMooseFs(name: string, tests: () => void): void {
  if (noMooseFs === undefined) describe(name, tests)
  else it(name, ({ skip }) => skip(noMooseFs))
}
