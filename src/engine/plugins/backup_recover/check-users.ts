import { BackupdError } from '../../../lib/errors.ts'
import { findUsers, type VolumeUser } from '../../../storage/swap/find-users.ts'

const NAMED = 20

export interface UsersOptions {
  inUse: 'refuse' | 'proceed'
  warn(message: string): void
}

/** @throws VOLUME_IN_USE naming the processes that hold something in the volume, unless it was asked to proceed. */
export async function checkUsers(volume: string, { inUse, warn }: UsersOptions): Promise<void> {
  const { users, unseen } = await findUsers(volume)
  if (unseen > 0) warn(`processes that could not be looked into wholly, and may use the volume: ${unseen}`)
  if (users.length === 0) return
  const named = users.slice(0, NAMED).map(nameOf).join(', ')
  const more = users.length > NAMED ? ` and ${users.length - NAMED} more` : ''
  const message = `the volume is in use by ${named}${more}`
  if (inUse === 'proceed') return warn(`${message}; they may go on with files that are no longer there`)
  const facts = { users: users.slice(0, NAMED).map((user) => ({ ...user })), count: users.length }
  throw new BackupdError('VOLUME_IN_USE', message, { facts })
}

function nameOf({ pid, command, what }: VolumeUser): string {
  return `process ${pid} (${command}: ${what})`
}
