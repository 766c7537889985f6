import { afterAll, beforeAll, describe, it } from 'vitest'
import type { S3Settings } from '../../src/wire/store-settings.ts'
import { noSwift, type Swift, startSwift } from './swift.ts'

/** What the tests of a group share; it is there once they run. */
export interface SwiftPlace {
  swift: Swift
  /** Of a store in a bucket of its own. */
  settings: S3Settings
}

/** A group of tests on a real Swift; skipped, with the reason, if this machine cannot run one. */
export function describeSwift(name: string, tests: (place: SwiftPlace) => void): void {
  if (noSwift !== undefined) it(`${name} (needs Swift)`, ({ skip }) => skip(noSwift))
  else describe(name, onSwift(tests))
}

/** Five Python programs start one after the other on a busy machine. */
const START_TIMEOUT_MS = 180_000

function onSwift(tests: (place: SwiftPlace) => void) {
  return () => {
    const place = {} as SwiftPlace
    beforeAll(async () => {
      place.swift = await startSwift()
      place.settings = await place.swift.newStore()
    }, START_TIMEOUT_MS)
    afterAll(() => place.swift?.[Symbol.asyncDispose]())
    tests(place)
  }
}
