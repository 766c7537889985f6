import { z } from 'zod'
import { bigCount, moment, rid, wordList } from './fields.ts'

/**
 * `hash`: everything was compared with checksums that were taken when the backup was made. `structure`: only with those of
 * the format, such as gzip's. `read`: it was read, and there is nothing to compare it with. Only `hash` proves something.
 */
export const VERIFY_METHODS = ['hash', 'structure', 'read'] as const
export const PROVERS = ['verify', 'drill'] as const
export const DRILL_MODES = ['full'] as const
/** One that this version does not know counts as the weakest. */
const method = z.enum(VERIFY_METHODS).catch('read')

/**
 * The proof that a backup can still be read. It lies beside the data: in the manifest of an archive, and in `.verified`
 * for the increments of a namespace.
 */
export const verificationSchema = z.object({
  /** When an archive had been read; of increments, when the run that read the first pack began. */
  at: moment,
  rid,
  method,
  /** The share of the backup's bytes that was read, from 0 to 1. */
  share: z.number().min(0).max(1),
  /** What proved it; absent if a verification did. */
  by: z.enum(PROVERS).optional().catch(undefined),
  /** Of a drill: how much of the backup was restored. */
  mode: z.enum(DRILL_MODES).optional().catch(undefined),
})
export type Verification = z.infer<typeof verificationSchema>

/** What `backup_verify` found, if it could read the backup and found no damage to its content. */
export const verifyResultSchema = z.object({
  method,
  share: z.number().min(0).max(1),
  /** Bytes of the store that were read. */
  bytes: bigCount,
  /** Damage that loses no content, such as that of an index. */
  problems: wordList.transform((list) => list.slice(0, 100)),
})
export type VerifyResult = z.infer<typeof verifyResultSchema>

/** The action that verifies one backup. */
export const VERIFY_ACTION = 'backup_verify'

/** The args of `backup_verify`. */
export const verifyArgsSchema = z.object({
  app: z.string(),
  proc: z.string(),
  /** The backup's name in the store. */
  backup: z.string(),
  /** The namespace of the backup: the IP of its server. */
  namespace: z.string(),
})
export type VerifyArgs = z.infer<typeof verifyArgsSchema>

/** The request to verify a backup. */
export interface VerifyRequest extends VerifyArgs {
  rid: string
}
