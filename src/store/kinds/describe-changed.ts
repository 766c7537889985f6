import { bytesToText } from '../../lib/byte-paths.ts'
import type { ChangedFiles } from '../../volume/tree/recheck/changed-files.ts'
import type { ChangedWhileRead } from '../../wire/backup.ts'

export function describeChanged({ count, names }: ChangedFiles): ChangedWhileRead {
  return { count, names: names.map(bytesToText) }
}
