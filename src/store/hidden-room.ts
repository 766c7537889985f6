import { byteText } from '../lib/byte-counts.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Driver } from '../objects/driver.ts'
import { type HiddenNote, readHiddenNote } from './hidden-note.ts'
import type { NewBackup } from './new-backup.ts'
import { isFull } from './reserve.ts'

interface Namespace {
  driver: Driver
  ip: string
}

/** A backup whose STORE_FULL says how much room hidden backups take, and how to free that at once. */
export async function offerHiddenRoom(
  namespace: Namespace,
  start: () => Promise<NewBackup>,
): Promise<NewBackup> {
  const backup = await orOffer(namespace, start)
  return {
    name: backup.name,
    make: (clockDoubt) => orOffer(namespace, () => backup.make(clockDoubt)),
    [Symbol.asyncDispose]: () => backup[Symbol.asyncDispose](),
  }
}

async function orOffer<T>({ driver, ip }: Namespace, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof BackupdError) || !isFull(error)) throw error
    const { archives } = await readHiddenNote(driver, ip).catch((): HiddenNote => ({}))
    if (!archives?.count) throw error
    const { count, bytes } = archives
    const what = `${count} deleted backups that can still be restored take ${byteText(bytes)} there`
    const then = `"backupd deleted list --server ${ip}" names them; deleteBackups with "now: true" frees that room at once`
    const facts = { ...error.facts, deletedBytes: bytes }
    throw new BackupdError('STORE_FULL', `${error.message}. ${what}: ${then}`, { facts, cause: error })
  }
}
