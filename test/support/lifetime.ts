import { onTestFinished } from 'vitest'

type CleanUp = () => unknown

let suite: CleanUp[] | undefined

/** Calls `cleanUp` when the test has ended, or the suite if this runs inside `forWholeSuite`. The last comes first. */
export function onEnd(cleanUp: CleanUp): void {
  if (suite) suite.push(cleanUp)
  else onTestFinished(async () => void (await cleanUp()))
}

/** For `beforeAll`: what starts inside `start` lives as long as the suite. Returns what vitest calls at its end. */
export async function forWholeSuite(start: () => Promise<void>): Promise<() => Promise<void>> {
  const cleanUps: CleanUp[] = []
  suite = cleanUps
  try {
    await start()
  } finally {
    suite = undefined
  }
  return async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp()
  }
}
