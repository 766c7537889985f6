import { statfs } from 'node:fs/promises'
import { BackupdError, hasCode } from '../../../lib/errors.ts'
import type { OpenedBackup, Room } from '../../../store/stored-backup.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import { listPresentNotes, readKeptNotes } from '../../../volume/swap/kept-note.ts'
import type { ChosenFiles } from '../../../volume/tree/chosen-paths.ts'
import type { PlannedRoom } from '../../../wire/snapshot.ts'

const UNKNOWN = Number.POSITIVE_INFINITY

export interface RoomQuestion {
  source: Pick<OpenedBackup, 'needs' | 'measure'>
  volume: HeldVolume
  /** null for everything. */
  chosen: ChosenFiles | null
  signal: AbortSignal
  /** Where the notes of what recovers kept are, to name a copy that takes room. */
  dataDir?: string
}

/**
 * Checks that the backup, or the chosen files, fits besides the present content, because it is unpacked before the
 * swap. Measures exactly only if the whole backup might not fit. A backup of unknown size may still run out of room
 * later.
 * @throws NO_ROOM with both numbers, in bytes or in files
 */
export async function checkRoom(question: RoomQuestion): Promise<void> {
  const { dataDir, volume } = question
  try {
    await compareRoom(question)
  } catch (error) {
    if (dataDir === undefined || !hasCode(error, 'NO_ROOM')) throw error
    const notes = listPresentNotes(await readKeptNotes(dataDir))
    const kept = notes.find(({ volume: path }) => path === volume.path)
    if (!kept) throw error
    const hint = `What the recover ${kept.rid} replaced is kept and takes ${kept.bytes} bytes: dropKeptOld frees them`
    const facts = { ...error.facts, keptRid: kept.rid, keptBytes: kept.bytes }
    throw new BackupdError('NO_ROOM', `${error.message}. ${hint}`, { facts })
  }
}

async function compareRoom({ source, volume, chosen, signal }: RoomQuestion): Promise<void> {
  const free = await freeRoom(volume)
  if (source.needs.bytes <= free.bytes && source.needs.entries <= free.entries) return
  const needs = await source.measure(chosen, signal)
  refuseLess('bytes', needs.bytes, free.bytes)
  refuseLess('files', needs.entries, free.entries)
}

/** What checkRoom compares, but measured exactly. What is not known is null. */
export async function measureRoom(
  question: RoomQuestion,
): Promise<{ needed: PlannedRoom; free: PlannedRoom }> {
  const { source, volume, chosen, signal } = question
  const needed = await source.measure(chosen, signal)
  const free = await freeRoom(volume)
  // A source that cannot tell answers 0.
  const isKnown = needed.bytes > 0 || needed.entries > 0
  return {
    needed: { bytes: isKnown ? toKnown(needed.bytes) : null, files: toKnown(needed.entries || UNKNOWN) },
    free: { bytes: toKnown(free.bytes), files: toKnown(free.entries) },
  }
}

function toKnown(amount: number): number | null {
  return amount === UNKNOWN ? null : amount
}

async function freeRoom(volume: HeldVolume): Promise<Room> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(volume.exists ? volume.place : volume.parent)
  // Some file systems create inodes on demand and report none; some, such as ramfs, do not even report blocks.
  return { bytes: blocks > 0 ? bavail * bsize : UNKNOWN, entries: files > 0 ? ffree : UNKNOWN }
}

function refuseLess(unit: string, needed: number, free: number): void {
  if (needed <= free) return
  throw new BackupdError(
    'NO_ROOM',
    `it needs ${needed} ${unit} besides the present content, and ${free} are free`,
    {
      facts: { needed, free, unit },
    },
  )
}
