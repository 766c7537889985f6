import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StoredBackup, VerifyRun } from '../../src/store/stored-backup.ts'
import { given } from './given.ts'
import { SERVER } from './plugin-args.ts'

export const MIB = 1 << 20
/** Of the increments. */
export const NAME = 'shop-shop.web.web-1-data-db'
export const RID = 'verify-1'

type VerifyDone = Parameters<VerifyRun['onProgress']>[0]

/** A volume with a small and a large file, and how to verify what was made of it. */
export async function verifyingWorld() {
  const world = await given.app('shop').proc('web').volume('/data/db').plugins()
  mkdirSync(join(world.volume, 'sub'))
  writeFileSync(join(world.volume, 'small'), 'small')
  writeFileSync(join(world.volume, 'sub', 'large'), randomBytes(3 * MIB))
  const warnings: string[] = []
  const open = async (name: string) => {
    const backup = await world.store.find(SERVER, name)
    if (!backup) throw new Error(`there is no ${name}`)
    return backup
  }
  const verifyOpened = (
    backup: StoredBackup,
    { signal = new AbortController().signal, onProgress = (_done: VerifyDone) => {} } = {},
  ) => {
    const warn = (message: string) => void warnings.push(message)
    return backup.verify({ rid: RID, dataDir: world.dataDir, signal, warn, onProgress })
  }
  const verify = async (
    name: string,
    { signal, onBytes }: { signal?: AbortSignal; onBytes?(bytes: number): void } = {},
  ) => {
    await using backup = await open(name)
    return await verifyOpened(backup, {
      ...(signal && { signal }),
      ...(onBytes && { onProgress: ({ bytes }) => onBytes(bytes) }),
    })
  }
  const infoOf = async (name: string) => {
    await using backup = await open(name)
    return backup.info
  }
  const snapshotsOf = async () =>
    (await world.store.snapshots.list({ namespace: SERVER, name: NAME, after: '', limit: 100 })).snapshots
  const fullBackup = async () => String((await world.backUp()).result.file)
  const increment = () => world.backUp({ mode: 'increment' })
  const namespace = join(world.storeDir, SERVER)
  const shown = { infoOf, snapshotsOf }
  return { ...world, warnings, open, verifyOpened, verify, ...shown, fullBackup, increment, namespace }
}

export type VerifyingWorld = Awaited<ReturnType<typeof verifyingWorld>>

export function flipByte(path: string, at = 100): void {
  const content = readFileSync(path)
  content[at] = (content[at] ?? 0) ^ 1
  chmodSync(path, 0o600)
  writeFileSync(path, content)
}

export function lastBytes() {
  const last = {
    bytes: 0,
    note: (bytes: number) => {
      last.bytes = bytes
    },
  }
  return last
}

export function filesIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  return files.filter((file) => file.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

export function largestPack(namespace: string): string {
  const packs = filesIn(join(namespace, 'repo', 'data'))
  return packs.toSorted((a, b) => statSync(b).size - statSync(a).size)[0] ?? ''
}
