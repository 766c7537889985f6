import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupdError } from '../../../lib/errors.ts'
import { askMooseFs, type Message } from './control-socket.ts'
import { type DirectoryQuota, quotaIn } from './quota.ts'

/**
 * What MooseFS's own tools (mfssettrashtime, mfsgetquota) ask the master: through the mount, which listens for them
 * on this machine and says where in `.masterinfo`. The numbers are those of MooseFS 3.0's MFSCommunication.h, kept
 * by 4; every integer is big-endian.
 */
export interface MooseFsControl {
  /** Bytes of deleted files that still take room; 0 where only a part of the MooseFS is mounted. */
  trashBytes(): Promise<number>
  /** The quota set on a directory, by its inode number; null where none bounds bytes. */
  quota(inode: number): Promise<DirectoryQuota | null>
  /** Makes a file, by its inode number, be gone at once when it is deleted. */
  skipTrash(inode: number): Promise<void>
}

const STATFS = { asks: 402, answers: 403 }
const SET_TRASH_TIME = { asks: 444, answers: 445 }
const QUOTA = { asks: 476, answers: 477 }
/** `inode:32 qflags:8`: no flag changes nothing. */
const QUOTA_QUESTION_BYTES = 5
/** `inode:32 uid:32 trashtime:32 smode:8`; a mode of 0 sets. */
const TRASH_TIME_BYTES = 13
/** total, available, free, trash and what is deleted but open, 64 bits each, inodes: 32; older ones lack `free`. */
const WITH_FREE_BYTES = 44

/** @param top where the root of the mount is seen. Its calls throw STORE_UNAVAILABLE where the way is not open. */
export async function openControl(top: string): Promise<MooseFsControl> {
  const info = await readFile(join(top, '.masterinfo'))
  if (info.length < 10)
    throw new BackupdError('STORE_UNAVAILABLE', `${top}/.masterinfo is not what a MooseFS has there`)
  const mount = {
    ...{ host: info.subarray(0, 4).join('.'), port: info.readUInt16BE(4), session: info.readUInt32BE(6) },
    version: info.length >= 14 ? info.readUInt32BE(10) : 0,
  }
  const ask = (message: Message) => askMooseFs(mount, message)
  return {
    async trashBytes() {
      const answer = await ask({ ...STATFS, content: Buffer.alloc(0) })
      const at = answer.length >= WITH_FREE_BYTES ? 24 : 16
      return Number(answer.readBigUInt64BE(at))
    },
    async quota(inode) {
      const content = Buffer.alloc(QUOTA_QUESTION_BYTES)
      content.writeUInt32BE(inode)
      return quotaIn(await ask({ ...QUOTA, content }))
    },
    async skipTrash(inode) {
      const content = Buffer.alloc(TRASH_TIME_BYTES)
      content.writeUInt32BE(inode)
      content.writeUInt32BE(process.getuid?.() ?? 0, 4)
      await ask({ ...SET_TRASH_TIME, content })
    },
  }
}
