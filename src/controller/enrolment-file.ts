import { join } from 'node:path'
import { z } from 'zod'
import type { EnrolmentState, EnrolmentStore } from '../domain/enrolment-ports.ts'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { parseJson } from '../wire/json.ts'
import { AUTHORITY_FILE, hasAuthority } from './authority.ts'

/** Beside the catalog and not in it, so that putting back a copy of the catalog brings back no revoked certificate. */
const FILE = 'enrolments.json'

const enrolmentsSchema = z.object({
  version: z.literal(1),
  servers: z.array(
    z.object({
      ...{ ip: z.ipv4(), keyHash: z.string().nullable(), enrolledAt: z.string(), expiresAt: z.string() },
      authority: z.string().optional(),
      trusts: z.array(z.string()).optional(),
      signsSince: z.string().optional(),
    }),
  ),
  invitations: z.array(
    z.object({
      ...{ id: z.string(), hash: z.string().length(64), ip: z.ipv4(), replace: z.boolean() },
      ...{ expiresAt: z.string(), usedBy: z.string().nullable() },
    }),
  ),
})

/** Throws BAD_INPUT if the file cannot be read: then nobody may connect in another way instead. */
export function createEnrolmentFile(dataDir: string): EnrolmentStore {
  const file = join(dataDir, FILE)
  return {
    async load() {
      try {
        const text = await readFileIfThere(file)
        if (text === undefined) return await refuseLoss(dataDir)
        removeUnfinishedWrites(file)
        return parseJson(FILE, text, enrolmentsSchema)
      } catch (cause) {
        const message = `Cannot read which daemons are enrolled from ${file}: ${messageOf(cause)}. Restore the file from a copy; docs/security.md says what to do without one`
        throw new BackupdError('BAD_INPUT', message, { cause })
      }
    },
    save: (state) => writeFileAtomically(file, `${JSON.stringify({ version: 1, ...state })}\n`),
  }
}

/** Without the list, plain HTTP would be allowed again, and what was revoked would be forgotten. */
async function refuseLoss(dataDir: string): Promise<EnrolmentState> {
  if (await hasAuthority(dataDir)) throw new Error(`it is missing, and ${AUTHORITY_FILE} is there`)
  return { servers: [], invitations: [] }
}

/** Makes an empty list before the first authority, so that its loss can be told from a first start. */
export async function createFirstList(dataDir: string): Promise<void> {
  const file = join(dataDir, FILE)
  if ((await readFileIfThere(file)) === undefined)
    await writeFileAtomically(file, `${JSON.stringify({ version: 1, servers: [], invitations: [] })}\n`)
}
