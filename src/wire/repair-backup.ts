// Repairs backups with invalid values, from a store or from rows that an older version wrote. They are shown without
// these values, because one bad backup must not break a whole list.

import type { z } from 'zod'
import { withoutControls } from '../lib/plain-text.ts'
import { type BackupInfo, backupInfoSchema, WITHOUT_MANIFEST } from './backup.ts'
import { ipv4, objectName } from './fields.ts'
import { printIssue } from './tolerant.ts'

export const UNKNOWN_TIME = '1970-01-01T00:00:00.000Z'

const UNKNOWN_BACKUP: Omit<BackupInfo, 'server' | 'name'> = {
  mode: 'full',
  app: '',
  proc: '',
  volume: '',
  instanceNo: 0,
  source: '',
  containers: [],
  size: 0,
  created: UNKNOWN_TIME,
  sequence: 0,
  rid: null,
  jobId: null,
  state: 'partial',
  suspect: null,
  corrupt: null,
  holds: [],
  ...WITHOUT_MANIFEST,
}

/** Parses a backup; invalid values are left out and named in `corrupt`. undefined if server or name is invalid. */
export function readBackup(value: unknown): BackupInfo | undefined {
  const parsed = backupInfoSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const { server, name } = Object(value)
  if (!ipv4.safeParse(server).success || !objectName.safeParse(name).success) return undefined
  return repairBackup(value, parsed.error)
}

/** The same for a row of the catalog, which is shown even if its name is invalid. */
export function readBackupRow(value: BackupInfo): BackupInfo {
  const parsed = backupInfoSchema.safeParse(value)
  return parsed.success ? parsed.data : repairBackup(value, parsed.error)
}

function repairBackup(value: unknown, error: z.ZodError): BackupInfo {
  const { server, name } = Object(value)
  const named = { server: withoutControls(String(server)), name: withoutControls(String(name)) }
  const repaired = readFields(backupInfoSchema.shape, value, UNKNOWN_BACKUP)
  const { corrupt } = repaired
  return { ...repaired, ...named, corrupt: corrupt ?? `its description is not valid (${printIssue(error)})` }
}

/** Parses each field with its schema; an invalid one gets the value from `unknown`. */
export function readFields<T extends object>(
  shape: Record<string, z.ZodType>,
  value: unknown,
  unknown: T,
): T {
  const fields = Object(value) as Record<string, unknown>
  const read = Object.entries(unknown).map(([key, fallback]) => {
    const parsed = shape[key]?.safeParse(fields[key])
    return [key, parsed?.success ? parsed.data : fallback]
  })
  return Object.fromEntries(read) as T
}
