import { BackupdError } from '../lib/errors.ts'
import { trimEndSlashes } from '../lib/trim-slashes.ts'

/** Bytes; leaves room for the names of a deep tree below it. */
const MAX_PATH = 1024
const MAX_NAME = 200
/** The names of folders that a recover unpacks into begin so. */
const RESERVED = '.backupd-'
const SHOWN = 100

/**
 * Checks the path of a new folder to recover into, and returns it without trailing slashes. The controller and the
 * daemon apply the same rules, so that nobody starts a run that cannot work.
 * @throws BAD_INPUT
 */
export function checkRecoverDirectory(path: string): string {
  const trimmed = path.length <= 2 * MAX_PATH ? trimEndSlashes(path) : path
  const flaw = findDirectoryFlaw(trimmed)
  if (flaw === undefined) return trimmed
  const what = `Cannot recover into ${JSON.stringify(path.slice(0, SHOWN))}: ${flaw}`
  throw new BackupdError('BAD_INPUT', `${what}, expected the absolute path of a new folder`)
}

function findDirectoryFlaw(path: string): string | undefined {
  if (Buffer.byteLength(path) > MAX_PATH) return `it is longer than ${MAX_PATH} bytes`
  if (!path.isWellFormed() || /[\p{Cc}\\\uFFFD]/u.test(path))
    return 'it has a control character, a backslash or a character that is not valid Unicode'
  if (path === '') return 'it names no folder'
  const [first, ...names] = path.split('/')
  if (first !== '') return 'it is not absolute'
  if (names.some((name) => ['', '.', '..'].includes(name))) return 'it has an empty name, "." or ".."'
  if (names.some((name) => Buffer.byteLength(name) > MAX_NAME))
    return `a name is longer than ${MAX_NAME} bytes`
  if (names.some((name) => name.startsWith(RESERVED)))
    return `names that begin with "${RESERVED}" are reserved`
  return undefined
}
