import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { z } from 'zod'
import { bytesToText, textToBytes } from '../../lib/byte-paths.ts'
import { requireErrno } from '../../lib/errors.ts'
import { type Kernel, loadKernel } from '../../lib/kernel.ts'
import { tolerate } from '../../lib/tolerate.ts'
import { parseJson } from '../../wire/json.ts'
import { setFlags } from '../tree/inode-flags.ts'
import { breather, type Folder, openFolder } from './folder.ts'
import { PIN, reopenPlain } from './unprotect.ts'

/**
 * The file beside the journal with a JSON line `[path, flags]` for each immutable or append-only entry. It is on disk
 * before anything is moved. The flags are set after the swap, because with them the entries could not be moved.
 */
export const PROTECTED = 'protected'

const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
const FLUSH_BYTES = 64 * 1024
const lineSchema = z.tuple([z.string(), z.number().int().nonnegative()])

/** Collects the list while the staging is filled. No file is written if no entry is protected. */
export class ProtectedList {
  readonly #staging: Folder
  #fd: number | undefined
  #pending = ''

  constructor(staging: Folder) {
    this.#staging = staging
  }

  add(path: Buffer, flags: number): void {
    this.#pending += `${JSON.stringify([bytesToText(path), flags])}\n`
    if (this.#pending.length >= FLUSH_BYTES) this.#flush()
  }

  /** The list is on disk when this resolves. */
  async close(): Promise<void> {
    if (this.#pending !== '') this.#flush()
    if (this.#fd === undefined) return
    fsyncSync(this.#fd)
    closeSync(this.#fd)
    this.#fd = undefined
    await this.#staging.sync()
  }

  #flush(): void {
    this.#fd ??= openSync(this.#staging.at(PROTECTED), WRITE, 0o600)
    writeSync(this.#fd, this.#pending)
    this.#pending = ''
  }
}

/** Runs `fill` with the list of the staging folder at `place`; the list is on disk when this resolves. */
export async function withProtectedList<T>(
  place: string,
  fill: (list: ProtectedList) => Promise<T>,
): Promise<T> {
  await using folder = await openFolder(place)
  const list = new ProtectedList(folder)
  try {
    return await fill(list)
  } finally {
    await list.close()
  }
}

export interface Protecting {
  /** The folder that has the list. */
  staging: Folder
  /** The paths in the list are relative to it. */
  top: Folder
  isChosen?(path: Buffer): boolean
  warn(message: string): void
}

/** Sets the flags of the list. May be called again after a crash. Returns whether there were any. */
export async function protectListed({ staging, top, isChosen, warn }: Protecting): Promise<boolean> {
  const refused: string[] = []
  const breathe = breather()
  let count = 0
  for await (const { path, flags } of readList(staging)) {
    await breathe()
    if (isChosen && !isChosen(path)) continue
    count++
    const reason = protect(top, path, flags)
    if (reason !== undefined) refused.push(`"${bytesToText(path)}" (${reason})`)
  }
  if (refused.length > 0) {
    const some = refused.slice(0, 3).join(', ')
    warn(
      `the flags "immutable" or "append-only" of ${refused.length} entries could not be restored, such as ${some}`,
    )
  }
  return count > 0
}

function protect(top: Folder, path: Buffer, flags: number): string | undefined {
  const kernel = loadKernel()
  if (!kernel) return 'ENOSYS'
  try {
    const pin = kernel.openBeneath(top.fd, path, PIN)
    try {
      return protectPinned(kernel, pin, flags)
    } finally {
      closeSync(pin)
    }
  } catch (error) {
    return requireErrno(error)
  }
}

function protectPinned(kernel: Kernel, pin: number, flags: number): string | undefined {
  const fd = reopenPlain(pin)
  if (fd === undefined) return 'ENOTSUP'
  try {
    setFlags(kernel, fd, flags)
    return undefined
  } finally {
    closeSync(fd)
  }
}

/** Throws BAD_INPUT for a line that is incomplete. */
async function* readList(staging: Folder): AsyncGenerator<{ path: Buffer; flags: number }> {
  const file = await tolerate(['ENOENT'], () => open(staging.at(PROTECTED), READ))
  if (!file) return
  try {
    for await (const line of file.readLines({ autoClose: false, start: 0 })) {
      const [path, flags] = parseJson('A line of the list of protected entries', line, lineSchema)
      yield { path: textToBytes(path), flags }
    }
  } finally {
    await file.close()
  }
}
