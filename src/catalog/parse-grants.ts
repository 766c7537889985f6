import { z } from 'zod'
import type { Grant } from '../domain/ports.ts'

const grantsSchema = z.array(
  z.object({
    role: z.enum(['viewer', 'operator', 'restorer', 'admin']),
    apps: z.array(z.string()).nullable(),
  }),
)

/** Reads what may be done from its column. Whatever has roles that cannot be read may do nothing. */
export function parseGrants(json: string): Grant[] {
  const parsed = grantsSchema.safeParse(parseOrNothing(json))
  return parsed.success ? parsed.data : []
}

function parseOrNothing(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
