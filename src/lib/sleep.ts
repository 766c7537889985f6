import { setTimeout } from 'node:timers/promises'

/** @returns whether the time passed; false if the signal came first */
export async function sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await setTimeout(ms, undefined, signal ? { signal } : {})
    return true
  } catch {
    return false
  }
}
