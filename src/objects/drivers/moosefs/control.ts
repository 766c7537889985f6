import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BackupdError } from '../../../lib/errors.ts'
import { askMooseFs, type Message } from './control-socket.ts'
import { type DirectoryQuota, parseQuota } from './quota.ts'

/**
 * Requests to the MooseFS master, as its tools (mfssettrashtime, mfsgetquota) send them: through the mount, which
 * listens on this machine at the address in `.masterinfo`. The numbers are from MFSCommunication.h of MooseFS 3.0, and
 * unchanged in 4; integers are big-endian.
 */
export interface MooseFsControl {
  /** Bytes of deleted files that still take space; 0 if only a part of the MooseFS is mounted. */
  trashBytes(): Promise<number>
  /** The quota of a directory, by its inode number; null if none limits bytes. */
  quota(inode: number): Promise<DirectoryQuota | null>
  /** Lets a file, by its inode number, skip the trash when it is deleted. */
  skipTrash(inode: number): Promise<void>
}

const STATFS = { asks: 402, answers: 403 }
const SET_TRASH_TIME = { asks: 444, answers: 445 }
const QUOTA = { asks: 476, answers: 477 }
/** `inode:32 qflags:8`; without flags, the request only reads. */
const QUOTA_QUESTION_BYTES = 5
/** `inode:32 uid:32 trashtime:32 smode:8`; a mode of 0 sets. */
const TRASH_TIME_BYTES = 13
/** total, available, free, trash, deleted but open (64 bits each), inodes (32 bits); older versions lack `free`. */
const WITH_FREE_BYTES = 44

/** @param top the path of the mount's root. The calls throw STORE_UNAVAILABLE if the mount cannot be reached. */
export async function openControl(top: string): Promise<MooseFsControl> {
  const info = await readFile(join(top, '.masterinfo'))
  if (info.length < 10)
    throw new BackupdError('STORE_UNAVAILABLE', `${top}/.masterinfo is not a MooseFS control file`)
  const mount = {
    host: info.subarray(0, 4).join('.'),
    port: info.readUInt16BE(4),
    session: info.readUInt32BE(6),
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
      return parseQuota(await ask({ ...QUOTA, content }))
    },
    async skipTrash(inode) {
      const content = Buffer.alloc(TRASH_TIME_BYTES)
      content.writeUInt32BE(inode)
      content.writeUInt32BE(process.getuid?.() ?? 0, 4)
      await ask({ ...SET_TRASH_TIME, content })
    },
  }
}
