import { BackupdError } from '../../lib/errors.ts'
import { findUsers, type UnseenProcess, type VolumeUser } from './find-users.ts'

const NAMED = 20

export interface UsersOptions {
  inUse: 'refuse' | 'proceed'
  /** Called once for each `kind`, however often the volume is looked at. */
  warn(message: string, kind?: string): void
}

/** @throws VOLUME_IN_USE naming the processes that hold something in the volume, unless it was asked to proceed. */
export async function checkUsers(volume: string, { inUse, warn }: UsersOptions): Promise<void> {
  const { users, unseen } = await findUsers(volume)
  const hidden = unseenWarning(unseen)
  if (hidden !== undefined) warn(hidden, 'unseen')
  if (users.length === 0) return
  const named = users.slice(0, NAMED).map(nameOf).join(', ')
  const more = users.length > NAMED ? ` and ${users.length - NAMED} more` : ''
  const message = `the volume is in use by ${named}${more}`
  if (inUse === 'proceed') return warn(`${message}; they may go on with files that are no longer there`)
  const facts = { users: users.slice(0, NAMED).map((user) => ({ ...user })), count: users.length }
  throw new BackupdError('VOLUME_IN_USE', message, { facts })
}

/** Of pid 1 alone nobody learns anything: in a container it is often all that cannot be inspected. */
export function unseenWarning(unseen: readonly UnseenProcess[]): string | undefined {
  if (unseen.every(({ pid }) => pid === 1)) return undefined
  const named = unseen.slice(0, NAMED).map(({ pid, command }) => `${pid} (${command})`)
  const more = unseen.length > NAMED ? ` and ${unseen.length - NAMED} more` : ''
  return `processes that could not be inspected may use the volume: ${named.join(', ')}${more}`
}

function nameOf({ pid, command, what }: VolumeUser): string {
  return `process ${pid} (${command}: ${what})`
}
