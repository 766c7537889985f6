// The hash of a plan of a delete: exactly which backups and snapshots it takes, not what they contain, and whether for good.

import { createHash } from 'node:crypto'
import { z } from 'zod'

export const deletePlanHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected the `planHash` of a plan of a delete')

/** One thing that a delete takes: a full backup, a mirror, a path in one, or a snapshot. */
export interface DeleteKey {
  /** Its namespace. */
  server: string
  /** `NAME`, or `NAME/path`. */
  name: string
  /** The id of a snapshot; null if it is not one. */
  snapshot: string | null
}

/** Computes the hash from the keys, which have to come in the same order each time. */
export class DeletePlanHasher {
  readonly #hash = createHash('sha256')

  /** @param isFinal whether nobody can undo the delete */
  constructor(isFinal: boolean) {
    this.#hash.update(`${JSON.stringify({ isFinal })}\n`)
  }

  add({ server, name, snapshot }: DeleteKey): void {
    this.#hash.update(`${JSON.stringify([server, name, snapshot])}\n`)
  }

  digest(): string {
    return this.#hash.digest('hex')
  }
}

export function describeDeleteKey({ name, snapshot }: DeleteKey): string {
  return snapshot === null ? `"${name}"` : `the snapshot ${snapshot.slice(0, 12)} of "${name}"`
}
