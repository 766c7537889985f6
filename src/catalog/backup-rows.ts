import { type BackupInfo, isGood } from '../wire/backup.ts'
import { readBackupRow } from '../wire/repair-backup.ts'
import type { Backup, Prisma } from './generated/client.ts'
import { timeKey } from './keyset.ts'
import { toBigInt } from './numbers.ts'

type Row = Prisma.BackupCreateManyInput

/** @param report which run reported it and when (`toldAt`), and the number of the change */
export function makeBackupRow(info: BackupInfo, report: { toldAt: string; touched: number }): Row {
  const createdKey = `${timeKey(info.created) ?? '0000'} ${info.server} ${info.name}`
  const sequence = toBigInt(Math.max(info.sequence, 0))
  return {
    ...info,
    ...report,
    createdKey,
    sequenceKey: `${String(sequence).padStart(16, '0')} ${createdKey}`,
    good: info.series ? info.series.lastGood !== null : isGood(info),
    instanceNo: toBigInt(info.instanceNo),
    containers: JSON.stringify(info.containers),
    size: toBigInt(info.size),
    sequence,
    holds: JSON.stringify(info.holds),
    files: info.files === null ? null : toBigInt(info.files),
    bytes: info.bytes === null ? null : toBigInt(info.bytes),
    clockDoubt: info.clockDoubt?.trusted ?? null,
    changedWhileRead: info.changedWhileRead ? JSON.stringify(info.changedWhileRead) : null,
    proof: info.proof ? JSON.stringify(info.proof) : null,
    series: info.series && JSON.stringify(info.series),
  }
}

/** Tolerates a bad row, which must not break a list: unreadable fields are left out. */
export function toBackupInfo(row: Backup): BackupInfo {
  const { createdKey, sequenceKey, good, toldAt, touched, clockDoubt, changedWhileRead, proof, ...info } = row
  return readBackupRow({
    ...info,
    mode: info.mode as BackupInfo['mode'],
    state: info.state as BackupInfo['state'],
    durability: info.durability as BackupInfo['durability'],
    containers: parseOrNull(info.containers),
    holds: parseOrNull(info.holds),
    instanceNo: Number(info.instanceNo),
    size: Number(info.size),
    sequence: Number(info.sequence),
    hasIndex: Boolean(info.hasIndex),
    files: info.files === null ? null : Number(info.files),
    bytes: info.bytes === null ? null : Number(info.bytes),
    ...(clockDoubt !== null && { clockDoubt: { trusted: clockDoubt } }),
    ...(changedWhileRead !== null && { changedWhileRead: parseOrNull(changedWhileRead) ?? undefined }),
    ...(proof !== null && { proof: parseOrNull(proof) ?? undefined }),
    series: info.series === null ? null : parseOrNull(info.series),
  })
}

function parseOrNull(json: string) {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
