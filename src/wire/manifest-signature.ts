import { z } from 'zod'
import { ipv4, moment } from './fields.ts'

/** More than one for each rotation in the life of a machine. */
export const MAX_SIGNERS = 64

/** In a manifest: the signature of the daemon that wrote it, over the fields that do not change. */
export const manifestSignatureSchema = z.object({
  version: z.number().int(),
  /** Of the key, PEM. The authority of the controller signed it. */
  certificate: z.string().max(8192),
  /** ECDSA P-256 with SHA-256, DER, base64. */
  value: z.string().max(1024),
})
export type ManifestSignature = z.infer<typeof manifestSignatureSchema>

/** Whose signatures count, and since when there are any. */
export const signersSchema = z.object({
  /** PEM: all authorities that were ever trusted, retired ones too. */
  authorities: z.array(z.string().max(8192)).max(MAX_SIGNERS),
  /** Since when the daemon of a server signs its backups, ISO 8601, by IP. */
  since: z.record(ipv4, moment),
})
export type Signers = z.infer<typeof signersSchema>

/** The only version so far: which fields are signed, and how they are printed. */
export const SIGNATURE_VERSION = 1

/** All that is fixed when a backup is published: not `verified`, `proof`, `corrupt`, `holds`. The order is part of the format. */
const SIGNED_FIELDS = [
  ...['format', 'name', 'mode', 'app', 'proc', 'volume', 'instanceNo', 'containers', 'source', 'server'],
  ...['created', 'sequence', 'rid', 'jobId', 'state', 'suspect', 'size', 'sha256', 'index'],
  ...['entries', 'files', 'bytes', 'tarBytes', 'root', 'warnings', 'warningCount', 'notKept', 'durability'],
  ...['clockDoubt', 'changedWhileRead', 'history', 'sample', 'writer'],
] as const

/** The bytes that are signed: the same for the same content, in whatever order it is stored. Absent fields are null. */
export function printSignedFields(manifest: Readonly<Record<string, unknown>>): string {
  const fields = SIGNED_FIELDS.map((field) => [field, sortKeys(manifest[field] ?? null)])
  return `backupd manifest ${SIGNATURE_VERSION}\n${JSON.stringify(fields)}`
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return entries.map(([key, each]) => [key, sortKeys(each)])
}
