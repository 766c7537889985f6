import { BackupdError } from '../../lib/errors.ts'
import type { BlobType } from './blob-place.ts'

/** The error for a damaged file of the repository. */
export function repositoryDamaged(name: string, reason: string, cause?: unknown): BackupdError {
  return new BackupdError(
    'REPOSITORY_DAMAGED',
    `The repository is damaged: "${name}" cannot be used, ${reason}. Nothing was changed; restore that file from a copy, or see restic check`,
    { cause, facts: { object: name } },
  )
}

/** The error for content that is lost. `pack` is null if the blob is not in the index. */
export function snapshotCorrupt(
  blob: { type: BlobType; id: Buffer },
  pack: string | null,
  reason: string,
): BackupdError {
  const id = blob.id.toString('hex')
  const where = pack === null ? '' : ` in the pack ${pack}`
  return new BackupdError(
    'SNAPSHOT_CORRUPT',
    `The ${blob.type} blob ${id}${where} is damaged: ${reason}. Use another snapshot, or another copy of the store`,
    { facts: { type: blob.type, blob: id, pack } },
  )
}
