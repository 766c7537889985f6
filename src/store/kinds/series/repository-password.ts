import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { BackupdError, hasCode, messageOf } from '../../../lib/errors.ts'
import { HOUR_MS } from '../../../lib/time-units.ts'
import type { Driver } from '../../../objects/driver.ts'
import { createSmall, readSmall } from '../../../objects/small-objects.ts'
import { parseUnfinished } from '../../../objects/unfinished.ts'
import { repositoryExists } from '../../../restic/repository/open-repository.ts'
import { PASSWORD_FILE } from '../../layout.ts'
import type { StoreWorld } from '../../world.ts'
import { placeOfRepository } from './repository-place.ts'

/** How long another daemon may take between creating the file and writing the password. */
const FILL_WAIT_MS = 5000
const POLL_MS = 100
const VISIBLE_AFTER_MS = 1000
/** How long a daemon may take to write the password, with clocks that differ. */
const UNFINISHED_MS = HOUR_MS

/** Reads the password like restic does, without white space around it. Throws REPOSITORY_PASSWORD. */
export async function readPassword({ driver, identity }: StoreWorld): Promise<Buffer> {
  const given = identity.repositoryPasswordFile
  const text = given === undefined ? await readSmall(driver, PASSWORD_FILE) : await readGiven(given)
  const password = text?.toString('utf8').trim() ?? ''
  if (password !== '') return Buffer.from(password)
  const where = given ?? `${PASSWORD_FILE} of the store`
  throw new BackupdError('REPOSITORY_PASSWORD', `There is no password in ${where}: put it back from a copy`, {
    facts: { file: given ?? PASSWORD_FILE },
  })
}

async function readGiven(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    const what = `The file of --repository-password-file cannot be read: ${messageOf(cause)}`
    throw new BackupdError('REPOSITORY_PASSWORD', what, { facts: { file }, cause })
  }
}

/**
 * Generates the store's password if there is none, only once even if several daemons start together. Throws
 * REPOSITORY_PASSWORD if there are repositories already, because a new password would not open them.
 * @returns whether this call generated it
 */
export async function makePassword({ driver, clock }: StoreWorld): Promise<boolean> {
  await using _lock = await driver.lock(`${PASSWORD_FILE}.lock`)
  await sweepUnfinished(driver, clock.now() - UNFINISHED_MS)
  if (await isFilled(driver)) return false
  for await (const namespace of namespacesWithRepository(driver)) throw passwordMissing(namespace)
  if (!(await driver.stat(PASSWORD_FILE))) return await create(driver)
  await driver.replace(PASSWORD_FILE, newPassword())
  return true
}

/** Removes what a crash left of a password, if it is so old that no other daemon can be writing it. */
async function sweepUnfinished(driver: Driver, beforeMs: number): Promise<void> {
  for await (const { name, modifiedMs } of driver.list('')) {
    if (parseUnfinished(name)?.name === PASSWORD_FILE && modifiedMs < beforeMs) await driver.remove(name)
  }
}

/** An empty file is being written by an older daemon, so it is waited for, or is left over from a crash of one. */
async function isFilled(driver: Driver): Promise<boolean> {
  for (let waited = 0; ; waited += POLL_MS) {
    const stat = await driver.stat(PASSWORD_FILE)
    if (!stat) return false
    if (stat.size > 0) return true
    if (waited >= FILL_WAIT_MS) return false
    await wait(POLL_MS)
  }
}

/** Creates the file, false if it exists: this decides between daemons if locks do not work across machines. */
async function create(driver: Driver): Promise<boolean> {
  const password = newPassword()
  try {
    await createSmall(driver, PASSWORD_FILE, password)
    return await isLasting(driver, password)
  } catch (error) {
    if (hasCode(error, 'CONFLICT')) return false
    throw error
  }
}

/** A store that cannot decide between two creators keeps the last one's content, and shows it a moment later. */
async function isLasting(driver: Driver, password: Buffer): Promise<boolean> {
  if (driver.abilities.showsNamesAtOnce) return true
  await wait(VISIBLE_AFTER_MS)
  return (await readSmall(driver, PASSWORD_FILE))?.equals(password) ?? false
}

function newPassword(): Buffer {
  return Buffer.from(`${randomBytes(32).toString('hex')}\n`)
}

export async function* namespacesWithRepository(driver: Driver): AsyncGenerator<string> {
  for await (const { name, kind } of driver.names('')) {
    if (kind !== 'folder' || isIP(name) === 0) continue
    if (await repositoryExists(placeOfRepository(driver, name))) yield name
  }
}

function passwordMissing(namespace: string): BackupdError {
  const what = `The store has increments (in ${namespace}), but no ${PASSWORD_FILE} that opens them`
  const then = 'Put that file back from your copy, or name the copy with --repository-password-file'
  return new BackupdError('REPOSITORY_PASSWORD', `${what}. ${then}`, { facts: { namespace } })
}
