import { BackupdError } from '../../lib/errors.ts'
import { findUsers, type UnseenProcess, type VolumeUser } from './find-users.ts'

const MAX_LISTED = 20

export interface UsersOptions {
  inUse: 'refuse' | 'proceed'
  /** Must print a message with a `kind` only once, because the volume is checked repeatedly. */
  warn(message: string, kind?: string): void
}

/**
 * @throws VOLUME_IN_USE if processes hold something in the volume, with their names; only warns if `inUse` is
 * `proceed`
 */
export async function checkUsers(volume: string, { inUse, warn }: UsersOptions): Promise<void> {
  const { users, unseen } = await findUsers(volume)
  const hidden = unseenWarning(unseen)
  if (hidden !== undefined) warn(hidden, 'unseen')
  if (users.length === 0) return
  const named = users.slice(0, MAX_LISTED).map(describeUser).join(', ')
  const more = users.length > MAX_LISTED ? ` and ${users.length - MAX_LISTED} more` : ''
  const message = `the volume is in use by ${named}${more}`
  if (inUse === 'proceed') return warn(`${message}; they may continue to use files that no longer exist`)
  const facts = { users: users.slice(0, MAX_LISTED).map((user) => ({ ...user })), count: users.length }
  throw new BackupdError('VOLUME_IN_USE', message, { facts })
}

/** No warning if only pid 1 could not be inspected, which is normal in a container. */
export function unseenWarning(unseen: readonly UnseenProcess[]): string | undefined {
  if (unseen.every(({ pid }) => pid === 1)) return undefined
  const named = unseen.slice(0, MAX_LISTED).map(({ pid, command }) => `${pid} (${command})`)
  const more = unseen.length > MAX_LISTED ? ` and ${unseen.length - MAX_LISTED} more` : ''
  return `processes that could not be inspected may use the volume: ${named.join(', ')}${more}`
}

function describeUser({ pid, command, what }: VolumeUser): string {
  return `process ${pid} (${command}: ${what})`
}
