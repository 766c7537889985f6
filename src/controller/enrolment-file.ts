import { join } from 'node:path'
import { z } from 'zod'
import type { EnrolmentStore } from '../domain/enrolment-ports.ts'
import { readFileIfThere, removeUnfinishedWrites, writeFileAtomically } from '../lib/atomic-file.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { parseJson } from '../wire/json.ts'

/** Beside the catalog and not in it, so that putting back a copy of the catalog brings back no revoked certificate. */
const FILE = 'enrolments.json'

const enrolmentsSchema = z.object({
  version: z.literal(1),
  servers: z.array(
    z.object({ ip: z.ipv4(), keyHash: z.string().nullable(), enrolledAt: z.string(), expiresAt: z.string() }),
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
        if (text === undefined) return { servers: [], invitations: [] }
        removeUnfinishedWrites(file)
        return parseJson(FILE, text, enrolmentsSchema)
      } catch (cause) {
        const message = `Cannot read which daemons are enrolled from ${file}: ${messageOf(cause)}. Restore the file from a copy, or remove it and invite all daemons again`
        throw new BackupdError('BAD_INPUT', message, { cause })
      }
    },
    save: (state) => writeFileAtomically(file, `${JSON.stringify({ version: 1, ...state })}\n`),
  }
}
