import { statfs } from 'node:fs/promises'
import { BackupdError } from '../../../lib/errors.ts'
import type { OpenedBackup } from '../../../store/stored-backup.ts'
import type { ChosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { RunContext } from '../../plugin.ts'

/** What a recover into a new folder leaves free: this share of the file system, at most so many bytes. */
const KEPT_SHARE = 0.05
const MAX_KEPT = 10 * 2 ** 30
/** At most so many bytes are written between two looks at the free room. */
const MAX_WATCH_STEP = 64 * 2 ** 20

export interface KeptRoomQuestion {
  source: Pick<OpenedBackup, 'needs' | 'measure'>
  /** The directory in which the new folder is made. */
  parent: string
  /** null for everything. */
  chosen: ChosenFiles | null
  signal: AbortSignal
}

/** Measures exactly only if the whole backup might not fit. Throws NO_ROOM with the numbers. */
export async function checkKeptRoom({ source, parent, chosen, signal }: KeptRoomQuestion): Promise<void> {
  const { free, kept, entries } = await readRoom(parent)
  if (source.needs.bytes <= free - kept && source.needs.entries <= entries) return
  const needs = await source.measure(chosen, signal)
  if (needs.bytes > free - kept) throw noRoom(`it needs ${needs.bytes} bytes`, { free, kept })
  if (needs.entries <= entries) return
  const facts = { needed: needs.entries, free: entries, unit: 'files' }
  throw new BackupdError('NO_ROOM', `it needs ${needs.entries} files, and ${entries} are free`, { facts })
}

/** The context of a run that is aborted with NO_ROOM once less is free than has to stay free. */
export function watchKeptRoom(context: RunContext, parent: string): RunContext {
  const full = new AbortController()
  let [next, isLooking] = [0, false]
  const look = async (bytes: number) => {
    isLooking = true
    const { free, kept } = await readRoom(parent)
    if (free < kept) full.abort(noRoom(`${bytes} bytes are restored`, { free, kept }))
    next = bytes + Math.min(MAX_WATCH_STEP, kept / 8)
    isLooking = false
  }
  return {
    ...context,
    signal: AbortSignal.any([context.signal, full.signal]),
    progress(change) {
      context.progress(change)
      const { bytesDone = 0 } = change
      if (!isLooking && bytesDone >= next) look(bytesDone).catch((error) => full.abort(error))
    },
  }
}

interface KeptRoom {
  free: number
  kept: number
}

async function readRoom(parent: string): Promise<KeptRoom & { entries: number }> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(parent)
  // Some file systems create inodes on demand and report none; some, such as ramfs, do not even report blocks.
  const entries = files > 0 ? ffree : Number.POSITIVE_INFINITY
  if (blocks === 0) return { free: Number.POSITIVE_INFINITY, kept: 0, entries }
  return { free: bavail * bsize, kept: Math.min(MAX_KEPT, Math.ceil(blocks * bsize * KEPT_SHARE)), entries }
}

function noRoom(what: string, { free, kept }: KeptRoom): BackupdError {
  const message = `${what}, ${free} bytes are free, and ${kept} of them have to stay free`
  return new BackupdError('NO_ROOM', message, { facts: { free, kept, unit: 'bytes' } })
}
