import { join } from 'node:path'
import { z } from 'zod'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../../lib/atomic-file.ts'
import { BackupdError, messageOf } from '../../lib/errors.ts'
import { parseJson } from '../../wire/json.ts'

const storedSchema = z.object({
  version: z.literal(1),
  /** Of the join token. */
  joinId: z.string(),
  ip: z.ipv4(),
  /** The controller's listener for daemons. */
  url: z.string(),
  key: z.string(),
  /** PEM; empty while it enrols. */
  certificate: z.string(),
  /** PEM, the oldest authority that is trusted; empty while it enrols. Earlier versions trust this one alone. */
  authority: z.string(),
  /** PEM, all that are trusted; earlier versions leave them out. */
  authorities: z.array(z.string()).optional(),
})

/** Who this daemon is, for its controller; with its key. */
export type StoredIdentity = z.infer<typeof storedSchema>

const FILES = { enrolled: 'identity.json', joining: 'joining.json' } as const

/** `joining`: with the key of an enrolment whose answer may have been lost. */
export type IdentityKind = keyof typeof FILES

/** undefined if there is none. Throws BAD_INPUT if it cannot be used: an enrolled daemon never listens in another way. */
export async function readDaemonIdentity(
  dataDir: string,
  kind: IdentityKind,
): Promise<StoredIdentity | undefined> {
  const file = join(dataDir, FILES[kind])
  try {
    const text = await readFileIfThere(file)
    return text === undefined ? undefined : parseJson(FILES[kind], text, storedSchema)
  } catch (cause) {
    const message = `Cannot read who this daemon is from ${file}: ${messageOf(cause)}. Restore the file from a copy, or remove it and enrol again with "backupd server invite --replace" and --join-file`
    throw new BackupdError('BAD_INPUT', message, { cause })
  }
}

/** On disk when it resolves. */
export async function writeDaemonIdentity(
  dataDir: string,
  kind: IdentityKind,
  identity: StoredIdentity,
): Promise<void> {
  const file = join(dataDir, FILES[kind])
  removeUnfinishedWrites(file)
  await writeFileAtomically(file, `${JSON.stringify(identity)}\n`)
}
