import { bytesToText } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { readMirror } from '../../../volume/copy/read-mirror.ts'
import type { BackupInfo } from '../../../wire/backup.ts'
import type { Mirror } from '../../store-parts.ts'
import type { VerifyRun, VerifyVerdict } from '../../stored-backup.ts'

/** The legacy system wrote no checksums: all that can be found out is whether every file can be read. */
export async function verifyMirror(
  { name, size }: BackupInfo,
  mirror: Mirror,
  { signal, warn, onProgress }: VerifyRun,
): Promise<VerifyVerdict> {
  const faults = { count: 0, first: '' }
  const onFault = ({ path, message }: { path: Buffer; message: string }) => {
    const fault = `${bytesToText(path) || '.'}: ${message}`
    if (faults.count++ === 0) faults.first = fault
    warn(fault)
  }
  const total = size > 0 ? size : null
  try {
    const bytes = await mirror.withFolder((folder) =>
      readMirror({
        mirror: folder,
        signal,
        onFault,
        onProgress: (done) => onProgress({ bytes: done, total }),
      }),
    )
    if (faults.count > 0) return { outcome: 'unreadable', error: describeFaults(name, faults) }
    return { outcome: 'verified', result: { method: 'read', share: 1, bytes, problems: [] } }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof BackupdError) return { outcome: 'unreadable', error }
    throw error
  }
}

function describeFaults(name: string, { count, first }: { count: number; first: string }): BackupdError {
  const what = `Cannot read all of the mirror "${name}": ${count} of its entries cannot be read, such as ${first}`
  return new BackupdError('STORE_UNAVAILABLE', what, { facts: { count } })
}
