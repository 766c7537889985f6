import { readlink, realpath } from 'node:fs/promises'
import { BackupdError, errnoOf } from '../../lib/errors.ts'
import { readMajor, readMinor } from '../../lib/kernel/device-number.ts'
import { type Kernel, loadKernel } from '../../lib/kernel.ts'
import { readXattrs } from './attributes.ts'
import { describeReason } from './describe-reason.ts'
import type { TreeEntry } from './entry.ts'
import { exactMtimeNs } from './exact-time.ts'
import { readFlagsAt } from './inode-flags.ts'
import { Losses } from './losses.ts'
import { type Mounts, mountsAt } from './mounts.ts'
import { noteFlags } from './note-flags.ts'
import { type Pin, pinPath, unpin } from './pin.ts'
import { readEntryType, toTreeEntry } from './stat-entry.ts'
import { hasTrueSizes } from './whole-file.ts'

/** How long the mount table is cached. */
const MOUNTS_CACHE_MS = 1000

/** A volume held open for reading. */
export interface OpenVolume extends Disposable {
  readonly path: string
  readonly pin: Pin
  readonly root: TreeEntry
  /** `major:minor` of its file system. */
  readonly device: string
  /** The mount table, read again each second, because something may be mounted during the walk. */
  mounts(): Mounts
  readonly kernel: Kernel | undefined
  /** Whether the sizes that stat reports are the sizes that can be read. */
  readonly hasTrueSizes: boolean
  /** When it was flushed (flushVolume), nanoseconds since 1970; undefined if it was not. */
  readonly beganNs?: bigint
  /** What cannot be read on this machine, in words; normally empty. */
  readonly notKept: string[]
  /** What of its entries is not kept; reported at the end of the run. */
  readonly losses: Losses
}

/** Throws VOLUME_MISSING if the path is not a readable directory. */
export async function openVolume(path: string): Promise<OpenVolume> {
  const pin = await pinPath(path).catch((error: unknown) => {
    throw makeUnreadableVolumeError(
      path,
      errnoOf(error) === 'ENOENT' ? 'it does not exist' : describeReason(error),
      error,
    )
  })
  try {
    if (readEntryType(pin.stat) !== 'directory')
      throw makeUnreadableVolumeError(path, 'it is not a directory')
    const real = await readRealPath(path, pin)
    return createVolume(real, pin, { path, hasTrueSizes: await hasTrueSizes(pin.place) })
  } catch (error) {
    unpin(pin)
    throw error instanceof BackupdError
      ? error
      : makeUnreadableVolumeError(path, describeReason(error), error)
  }
}

/** The real path of the pinned directory, even if the path leads elsewhere now. */
function readRealPath(path: string, pin: Pin): Promise<Buffer> {
  return pin.fd < 0 ? realpath(path, { encoding: 'buffer' }) : readlink(pin.place, { encoding: 'buffer' })
}

function createVolume(real: Buffer, pin: Pin, known: Pick<OpenVolume, 'path' | 'hasTrueSizes'>): OpenVolume {
  const kernel = loadKernel()
  const mounts = keepFresh(() => mountsAt(pin.fd, real))
  const root = toTreeEntry('directory', pin.stat, Buffer.alloc(0))
  root.mtimeNs = exactMtimeNs(pin.fd, root.mtimeNs)
  const losses = new Losses()
  if (kernel) {
    root.xattrs = readXattrs(kernel, { pinned: pin.fd })
    noteFlags({ losses }, root, readFlagsAt(kernel, pin.place))
  }
  return {
    losses,
    ...known,
    pin,
    root,
    device: `${readMajor(pin.stat.dev)}:${readMinor(pin.stat.dev)}`,
    mounts,
    kernel,
    notKept: kernel ? [] : ['extended attributes, ACLs and capabilities', 'holes in sparse files'],
    [Symbol.dispose]: () => unpin(pin),
  }
}

function keepFresh(read: () => Mounts): () => Mounts {
  let mounts = read()
  let readAt = performance.now()
  return () => {
    if (performance.now() - readAt >= MOUNTS_CACHE_MS) {
      mounts = read()
      readAt = performance.now()
    }
    return mounts
  }
}

function makeUnreadableVolumeError(path: string, why: string, cause?: unknown): BackupdError {
  return new BackupdError(
    'VOLUME_MISSING',
    `The volume "${path}" cannot be read: ${why}. Check its path and its mount`,
    {
      cause,
    },
  )
}
