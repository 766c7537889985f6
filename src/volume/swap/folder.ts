import { type BigIntStats, constants, lstatSync } from 'node:fs'
import { type FileHandle, open, opendir } from 'node:fs/promises'
import { tolerateSync } from '../../lib/tolerate.ts'
import { countStep } from '../../lib/work-steps.ts'
import { findMountId } from '../tree/mounts.ts'

/** Identifies a file independent of its name. */
export interface Identity {
  device: bigint
  inode: bigint
}

/** A directory held open: operations on its entries stay in it, even if someone renames or replaces it meanwhile. */
export interface Folder extends AsyncDisposable {
  readonly fd: number
  readonly identity: Identity
  /** The path of an entry through /proc/self/fd; `name` is one component. */
  at(name: Buffer | string): Buffer
  /** A path of the folder itself that can be opened with O_NOFOLLOW. */
  readonly self: string
  chmod(mode: number): Promise<void>
  sync(): Promise<void>
}

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens a directory, never a symbolic link to one. */
export async function openFolder(path: Buffer | string): Promise<Folder> {
  const handle = await open(path, OPEN_FOLDER)
  try {
    const stats = await handle.stat({ bigint: true })
    return createFolder(handle, { device: stats.dev, inode: stats.ino })
  } catch (error) {
    await handle.close()
    throw error
  }
}

function createFolder(handle: FileHandle, identity: Identity): Folder {
  const base = Buffer.from(`/proc/self/fd/${handle.fd}/`)
  return {
    fd: handle.fd,
    identity,
    self: `${base}.`,
    at: (name) => Buffer.concat([base, typeof name === 'string' ? Buffer.from(name) : name]),
    chmod: (mode) => handle.chmod(mode),
    sync: () => handle.sync(),
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

/** False if a mount lies between them. Compares mount ids too: a bind mount has the same device number. */
export function isOnSameMount(folder: Folder, top: Folder): boolean {
  return folder.identity.device === top.identity.device && findMountId(folder.fd) === findMountId(top.fd)
}

/** The names in a folder as bytes, streamed: a volume can hold very many. */
export async function* streamNames(folder: Folder): AsyncGenerator<Buffer> {
  // Node returns Buffers for this encoding, but its types only allow strings.
  const entries = await opendir(folder.self, { encoding: 'buffer' as BufferEncoding, bufferSize: 1024 })
  for await (const entry of entries) yield entry.name as unknown as Buffer
}

export async function isEmpty(folder: Folder): Promise<boolean> {
  for await (const _ of streamNames(folder)) return false
  return true
}

/** The stats of `name` in `folder`, or undefined if it does not exist. Links are not followed. */
export function statEntry(folder: Folder, name: Buffer | string): BigIntStats | undefined {
  return tolerateSync(['ENOENT'], () => lstatSync(folder.at(name), { bigint: true }))
}

/** For loops of blocking calls: counts a work step each time, and every so often lets the event loop run. */
export function breather(every = 256): () => Promise<void> {
  let count = 0
  return async () => {
    countStep()
    if (++count % every === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}
