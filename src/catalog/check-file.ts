import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { messageOf } from '../lib/errors.ts'
import type { PageCheck } from './check-file-child.ts'
import { toFileError } from './file-error.ts'

/** Bytes. Checking takes about 1 s per GiB, and much longer on a slow disk. */
const MAX_CHECKED_AT_OPEN = 128 * 1024 * 1024

/** Whether a file is too large to read all its pages before it is used. */
export function isCheckedLater(file: string, limit = MAX_CHECKED_AT_OPEN): boolean {
  return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > limit
}

/**
 * Reads all pages in a process of its own, with low priority, while the file is in use: a thread could not be ended in
 * the middle. Resolves when it is sound or `signal` aborts. Throws CATALOG_UNUSABLE if the file is damaged, another
 * error if it could not be checked.
 */
export async function checkFileInProcess(file: string, signal: AbortSignal): Promise<void> {
  const entry = fileURLToPath(new URL(`./check-file-child${extname(import.meta.url)}`, import.meta.url))
  let found: PageCheck
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [entry, file], { signal })
    found = JSON.parse(stdout) as PageCheck
  } catch (error) {
    if (signal.aborted) return
    throw new Error(`Cannot check the pages of ${file}: ${messageOf(error)}`, { cause: error })
  }
  if (found !== 'sound') throw makeDamageError(file, found)
}

function makeDamageError(file: string, { code, message }: Exclude<PageCheck, 'sound'>): Error {
  const error = Object.assign(new Error(message), { code })
  return toFileError(error, file) ?? error
}
