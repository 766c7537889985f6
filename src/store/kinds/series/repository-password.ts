import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { BackupdError, messageOf } from '../../../lib/errors.ts'
import type { Driver } from '../../../objects/driver.ts'
import { readSmall } from '../../../objects/small-objects.ts'
import { repositoryExists } from '../../../restic/repository/open-repository.ts'
import type { StoreWorld } from '../../world.ts'
import { placeOfRepository } from './repository-place.ts'

/** In the store's root, where no other file is named: one password for all daemons of a store. */
export const PASSWORD_FILE = '.repository-password'

/** How long another daemon may take between making the file and filling it. */
const PATIENCE_MS = 5000
const PAUSE_MS = 100

/** The password as restic reads such a file: without white space around it. Throws REPOSITORY_PASSWORD. */
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
 * Makes the store's password where there is none: once, whoever else starts now. Throws REPOSITORY_PASSWORD where
 * there are repositories already, which a new password would not open.
 * @returns whether this call made it
 */
export async function makePassword({ driver }: StoreWorld): Promise<boolean> {
  await using _lock = await driver.lock(`${PASSWORD_FILE}.lock`)
  if (await isFilled(driver)) return false
  for await (const namespace of namespacesWithRepository(driver)) throw passwordIsGone(namespace)
  if (await driver.stat(PASSWORD_FILE)) await driver.replace(PASSWORD_FILE, newPassword())
  else if (!(await create(driver))) return false
  await driver.syncFolder('')
  return true
}

/** A file without content is one that another daemon fills right now, or that a crash left. */
async function isFilled(driver: Driver): Promise<boolean> {
  for (let waited = 0; ; waited += PAUSE_MS) {
    const stat = await driver.stat(PASSWORD_FILE)
    if (!stat) return false
    if (stat.size > 0) return true
    if (waited >= PATIENCE_MS) return false
    await wait(PAUSE_MS)
  }
}

/** Where locks do not reach from machine to machine, making the name decides. */
async function create(driver: Driver): Promise<boolean> {
  const writer = await driver.create(PASSWORD_FILE).catch((error: unknown) => {
    if (error instanceof BackupdError && error.code === 'CONFLICT') return undefined
    throw error
  })
  if (!writer) return false
  try {
    await writer.write(newPassword())
    await writer.sync()
  } finally {
    await writer.close()
  }
  return true
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

function passwordIsGone(namespace: string): BackupdError {
  const what = `The store has increments (in ${namespace}), and no ${PASSWORD_FILE} that opens them`
  const then = 'Put that file back from your copy, or name the copy with --repository-password-file'
  return new BackupdError('REPOSITORY_PASSWORD', `${what}. ${then}`, { facts: { namespace } })
}
