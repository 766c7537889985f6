import { describe, it } from 'vitest'
import { noSwift } from './swift.ts'

/** A group of tests on a real Swift; skipped, with the reason, if this machine cannot run one. */
export function describeSwift(name: string, tests: () => void): void {
  if (noSwift === undefined) describe(name, tests)
  else it(`${name} (needs Swift)`, ({ skip }) => skip(noSwift))
}
