// What a daemon needs to sign manifests and to check them, in its data directory and never in the store: whoever can write
// in the store must not be able to say whose signatures count, or since when there are any.

import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import type { CertifiedPair } from '../lib/certificates/x509.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { parseJson } from '../wire/json.ts'
import { MAX_SIGNERS, type Signers, signersSchema } from '../wire/manifest-signature.ts'

const IDENTITY_FILE = 'identity.json'
export const SIGNERS_FILE = 'signers.json'

const identitySchema = z.object({ key: z.string(), certificate: z.string() })

const storedSchema = signersSchema.extend({ version: z.literal(1) })

/** The key of an enrolled daemon with its certificate; undefined for others: nobody could check what they sign. */
export async function readSigningKey(dataDir: string): Promise<CertifiedPair | undefined> {
  return await readSigningFile(dataDir, IDENTITY_FILE, identitySchema)
}

/** undefined if the daemon never was enrolled. Throws BAD_INPUT if the file cannot be used. */
export async function readSigners(dataDir: string): Promise<Signers | undefined> {
  return await readSigningFile(dataDir, SIGNERS_FILE, storedSchema)
}

/** Remembers authorities, and since when servers sign: the earliest time of each counts. On disk when it resolves. */
export async function noteSigners(dataDir: string, { authorities, since }: Signers): Promise<Signers> {
  const known = (await readSigners(dataDir)) ?? { authorities: [], since: {} }
  const merged = { ...known.since }
  for (const [ip, time] of Object.entries(since)) {
    const earlier = merged[ip]
    if (earlier === undefined || Date.parse(time) < Date.parse(earlier)) merged[ip] = time
  }
  const all = [...new Set([...known.authorities, ...authorities])].slice(-MAX_SIGNERS)
  const text = JSON.stringify({ version: 1, authorities: all, since: merged })
  if (text === JSON.stringify({ version: 1, authorities: known.authorities, since: known.since }))
    return known
  const file = join(dataDir, SIGNERS_FILE)
  removeUnfinishedWrites(file)
  await writeFileAtomically(file, `${text}\n`)
  return { authorities: all, since: merged }
}

async function readSigningFile<T>(
  dataDir: string,
  name: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const file = join(dataDir, name)
  try {
    const text = await readFileIfThere(file)
    return text === undefined ? undefined : parseJson(name, text, schema)
  } catch (cause) {
    const message = `Cannot read ${file}, which signatures of backups need: ${messageOf(cause)}. Restore the file from a copy`
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}
