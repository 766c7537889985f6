import { type BigIntStats, constants, lstatSync } from 'node:fs'
import { type FileHandle, open, opendir } from 'node:fs/promises'
import { errnoOf } from '../../lib/errors.ts'
import { countStep } from '../../lib/work-steps.ts'
import { mountIdOf } from '../tree/mounts.ts'

/** What a name stands for, whatever it is called: device and inode. */
export interface Identity {
  device: bigint
  inode: bigint
}

/** A directory held open: what is done to its entries cannot be led elsewhere by whoever renames or replaces it. */
export interface Folder extends AsyncDisposable {
  readonly fd: number
  readonly identity: Identity
  /** Where an entry can be reached; `name` is one component. */
  at(name: Buffer | string): Buffer
  /** The folder itself, in a form that may be opened without following links. */
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
    return folderOf(handle, { device: stats.dev, inode: stats.ino })
  } catch (error) {
    await handle.close()
    throw error
  }
}

function folderOf(handle: FileHandle, identity: Identity): Folder {
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

/** False if something is mounted in between. A bind mount of the same file system has the same device number. */
export function isOnSameMount(folder: Folder, top: Folder): boolean {
  return folder.identity.device === top.identity.device && mountIdOf(folder.fd) === mountIdOf(top.fd)
}

/** The names in a folder as bytes, streamed: a volume can hold very many. */
export async function* namesIn(folder: Folder): AsyncGenerator<Buffer> {
  // Node hands out Buffers for this encoding; its types know of strings only.
  const entries = await opendir(folder.self, { encoding: 'buffer' as BufferEncoding, bufferSize: 1024 })
  for await (const entry of entries) yield entry.name as unknown as Buffer
}

export async function isEmpty(folder: Folder): Promise<boolean> {
  for await (const _ of namesIn(folder)) return false
  return true
}

/** What `name` stands for in `folder`, or undefined where there is none. Links are not followed. */
export function lookUp(folder: Folder, name: Buffer | string): BigIntStats | undefined {
  try {
    return lstatSync(folder.at(name), { bigint: true })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** For loops of calls that block: counts a step each time round, and now and then lets signals and messages through. */
export function breather(every = 256): () => Promise<void> {
  let count = 0
  return async () => {
    countStep()
    if (++count % every === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}
