import { BackupdError } from '../../lib/errors.ts'
import type { BlobType } from './blob-place.ts'

/** A file of the repository that is not what was written. */
export function repositoryDamaged(name: string, reason: string, cause?: unknown): BackupdError {
  return new BackupdError(
    'REPOSITORY_DAMAGED',
    `"${name}" cannot be used: ${reason}. Nothing was changed; put that file back from a copy, or see restic check`,
    { cause, facts: { object: name } },
  )
}

/** Content that cannot be had back whole. `pack` is null where the index does not know the blob. */
export function snapshotCorrupt(
  blob: { type: BlobType; id: Buffer },
  pack: string | null,
  reason: string,
): BackupdError {
  const id = blob.id.toString('hex')
  const where = pack === null ? '' : ` in the pack ${pack}`
  return new BackupdError(
    'SNAPSHOT_CORRUPT',
    `The ${blob.type} blob ${id}${where} is damaged: ${reason}. Take another snapshot, or another copy of the store`,
    { facts: { type: blob.type, blob: id, pack } },
  )
}
