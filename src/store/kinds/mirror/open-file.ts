import { closeSync, constants, lstatSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { textToBytes } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { trimSlashes } from '../../../lib/trim-slashes.ts'
import type { ByteSpan } from '../../../objects/driver.ts'
import { readEntryType } from '../../../volume/tree/stat-entry.ts'
import { openOutputFolder } from '../../../volume/tree/write-folder.ts'
import { splitLast } from '../../../volume/tree/write-paths.ts'
import type { Mirror } from '../../store-parts.ts'
import type { OpenedFile } from '../../stored-backup.ts'
import { noSuchPath, notAFile } from '../no-such-file.ts'
import { openInside } from './list-mirror.ts'

const PIECE_BYTES = 256 << 10
/** A fifo or a device that took the place of the file must not block. */
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Opens a file of a mirror, which has no checksums. Links are never followed. */
export async function openMirrorFile(mirror: Mirror, path: string): Promise<OpenedFile> {
  const opened = Promise.withResolvers<{ handle: FileHandle; size: number }>()
  const closed = Promise.withResolvers<void>()
  const ended = mirror.withFolder(async (folder) => {
    await using handle = await openBelow(folder, trimSlashes(path))
    opened.resolve({ handle, size: (await handle.stat()).size })
    await closed.promise
  })
  ended.catch(opened.reject)
  const { handle, size } = await opened.promise
  return {
    size,
    read: (span) => readSpan(handle, path, span),
    async [Symbol.asyncDispose]() {
      closed.resolve()
      await ended
    },
  }
}

async function openBelow(mirror: string, path: string): Promise<FileHandle> {
  const { folder, name } = splitLast(textToBytes(path))
  const root = openOutputFolder(mirror)
  try {
    const parent = openInside(root, folder, path)
    try {
      const stat = lstatSync(parent.at(name), { bigint: true, throwIfNoEntry: false })
      if (!stat) throw noSuchPath(path)
      if (!stat.isFile()) throw notAFile(path, readEntryType(stat) ?? 'socket')
      const handle = await open(parent.at(name), OPEN_FILE)
      if ((await handle.stat()).isFile()) return handle
      await handle.close()
      throw changed(path)
    } finally {
      if (parent !== root) closeSync(parent.fd)
    }
  } finally {
    closeSync(root.fd)
  }
}

async function* readSpan(handle: FileHandle, path: string, { from, end }: ByteSpan): AsyncGenerator<Buffer> {
  const room = Buffer.allocUnsafe(PIECE_BYTES)
  for (let at = from; at < end; ) {
    const { bytesRead } = await handle.read(room, 0, Math.min(room.length, end - at), at)
    if (bytesRead === 0) throw changed(path)
    yield room.subarray(0, bytesRead)
    at += bytesRead
  }
}

function changed(path: string): BackupdError {
  return new BackupdError('CONFLICT', `${JSON.stringify(path)} changed while it was read. Read it again`)
}
