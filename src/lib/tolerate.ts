import { errnoOf } from './errors.ts'

/*
 * A missing file is often an answer, but one that cannot be read never is. These functions tolerate the named system
 * errors and throw every other error, so that no caller takes one for the other.
 */

export function tolerateSync<T>(codes: readonly string[], act: () => T): T | undefined
export function tolerateSync<T, Other>(codes: readonly string[], act: () => T, otherwise: Other): T | Other
export function tolerateSync<T>(codes: readonly string[], act: () => T, otherwise?: unknown): unknown {
  try {
    return act()
  } catch (error) {
    if (isOneOf(codes, error)) return otherwise
    throw error
  }
}

/** Whether the call succeeded; false if it failed with one of these system errors. */
export function succeedsSync(codes: readonly string[], act: () => void): boolean {
  const done = () => {
    act()
    return true
  }
  return tolerateSync(codes, done, false)
}

/** As tolerateSync(), for a call whose promise may be rejected. */
export async function tolerate<T>(codes: readonly string[], act: () => Promise<T>): Promise<T | undefined>
export async function tolerate<T, Other>(
  codes: readonly string[],
  act: () => Promise<T>,
  otherwise: Other,
): Promise<T | Other>
export async function tolerate<T>(
  codes: readonly string[],
  act: () => Promise<T>,
  otherwise?: unknown,
): Promise<unknown> {
  try {
    return await act()
  } catch (error) {
    if (isOneOf(codes, error)) return otherwise
    throw error
  }
}

function isOneOf(codes: readonly string[], error: unknown): boolean {
  return codes.includes(errnoOf(error) ?? '')
}
