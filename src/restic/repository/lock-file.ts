import { z } from 'zod'
import { isoTime } from '../../lib/clock.ts'
import { BackupdError } from '../../lib/errors.ts'
import { readProcessIdentity } from './process-identity.ts'
import type { Repository } from './repository.ts'

/** After this time, restic considers a lock stale. */
const STALE_MS = 30 * 60_000

const lockSchema = z.object({
  time: z.string(),
  exclusive: z.boolean().default(false),
  hostname: z.string().default(''),
  username: z.string().default(''),
  pid: z.number().default(0),
})

/** A lock in the repository; `facts` is null if it cannot be read. */
export interface FoundLock {
  id: string
  facts: z.infer<typeof lockSchema> | null
}

/** The lock of this process, in restic's format. */
export function lockJson(nowMs: number, exclusive: boolean): Buffer {
  const { hostname, username, uid, gid } = readProcessIdentity()
  const owner = { ...(uid > 0 && { uid }), ...(gid > 0 && { gid }) }
  const lock = { time: isoTime(nowMs), exclusive, hostname, username, pid: process.pid, ...owner }
  return Buffer.from(JSON.stringify(lock))
}

export function parseLock(id: string, json: Buffer): FoundLock {
  try {
    return { id, facts: lockSchema.parse(JSON.parse(json.toString())) }
  } catch {
    return { id, facts: null }
  }
}

/** The error REPOSITORY_LOCKED, with the holder of the lock and its time. */
export function lockedBy({ id, facts }: FoundLock, { place, clock }: Repository): BackupdError {
  const what = `The repository "${place.base}" is locked`
  if (!facts) {
    const then = 'If nobody works on it, remove that with: restic unlock --remove-all'
    return new BackupdError('REPOSITORY_LOCKED', `${what} by "locks/${id}", which cannot be read. ${then}`, {
      facts: { lock: id },
    })
  }
  const { time, exclusive, hostname, username, pid } = facts
  const isStale = clock.now() - Date.parse(time) > STALE_MS
  const who = `${exclusive ? ' exclusively' : ''} by the process ${pid} of ${username || '?'} on ${hostname || '?'}`
  const then = isStale
    ? 'It was not refreshed for half an hour: if that process is gone, remove its lock with: restic unlock'
    : 'Wait for it, then run this again'
  return new BackupdError('REPOSITORY_LOCKED', `${what}${who} since ${time}. ${then}`, {
    facts: { lock: id, pid, hostname, username, exclusive, since: time, stale: isStale },
  })
}
