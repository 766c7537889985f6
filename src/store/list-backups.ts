import { BackupdError } from '../lib/errors.ts'
import { mapInOrder } from '../objects/small-objects.ts'
import type { BackupInfo, Manifest } from '../wire/backup.ts'
import type { BackupPage } from '../wire/daemon-api.ts'
import { parseNamespace } from '../wire/namespace.ts'
import { type FoundBackup, makeEntityInfo, makeManifestInfo } from './backup-info.ts'
import { filterNamesOfVolume, listBackupNames, type NamesQuery } from './backup-names.ts'
import { type FindHolds, readHolds } from './hold-note.ts'
import { isMirrorFolder } from './kinds/mirror/is-mirror.ts'
import { makePieceKey } from './layout.ts'
import { type PrintSigned, type ReadManifest, readManifest } from './manifest.ts'
import type { Meta } from './meta.ts'
import { readMeta } from './meta-file.ts'
import { assertClaimed } from './owner.ts'
import type { StoreWorld } from './world.ts'

export interface ListOptions {
  source?: string
  after?: string
  limit: number
}

/** Names that one pass over the folder collects. */
const MAX_NAMES_PER_PASS = 1000

/**
 * Lists one page of a namespace's backups by name. For the own namespace, throws STORE_CHANGED if it is not in the
 * known store, and STORE_UNAVAILABLE if it has neither backups nor owner: else all its backups would look deleted.
 */
export async function listBackups(
  world: StoreWorld,
  namespace: string,
  options: ListOptions,
): Promise<BackupPage> {
  const page = await readPage(world, namespace, options)
  if (namespace === world.identity.ip) await assertClaimed(world, page.backups.length === 0)
  return page
}

async function readPage(world: StoreWorld, namespace: string, options: ListOptions): Promise<BackupPage> {
  const { source, limit } = options
  if (!(limit >= 1)) throw new BackupdError('BAD_INPUT', `The page limit is ${limit}, expected at least 1`)
  const { meta, whole } = await readMeta(world, parseNamespace(namespace))
  const keep = source !== undefined && whole ? filterNamesOfVolume(meta, source) : undefined
  const readNote = readHoldsOnce(world, namespace)
  const backups: BackupInfo[] = []
  for (let after: string | null = options.after ?? ''; after !== null; ) {
    const query = {
      after,
      keep,
      limit: Math.min(MAX_NAMES_PER_PASS, source === undefined ? limit - backups.length : MAX_NAMES_PER_PASS),
    }
    const { names, sizes, last } = await listBackupNames(world.driver, { namespace, meta }, query)
    const describe = (name: string) =>
      describeBackup(world, { namespace, name, meta, listedSize: sizes.get(name), readNote })
    for await (const described of mapInOrder(names, describe)) {
      if (!described || (source !== undefined && described.info.source !== source)) continue
      backups.push(described.info)
      if (backups.length < limit) continue
      const isLast = last === null && described.info.name === names.at(-1)
      return { backups, next: isLast ? null : described.info.name }
    }
    after = last
  }
  return { backups, next: null }
}

/** Read once for a page, and only if something in it has no manifest. */
function readHoldsOnce({ driver }: StoreWorld, namespace: string): () => Promise<FindHolds> {
  let reading: Promise<FindHolds> | undefined
  return () => {
    reading ??= readHolds(driver, namespace)
    return reading
  }
}

export interface Described {
  info: BackupInfo
  manifest: Manifest | null
  /** As in ReadManifest. */
  changed?: true
  printSigned?: PrintSigned
}

interface BackupQuestion {
  namespace: string
  name: string
  meta: Meta
  /** The size of the archive, if a list has told it. */
  listedSize?: number | undefined
  /** Reads what is held without a manifest. */
  readNote?: () => Promise<FindHolds>
}

/** Describes a backup as it is in the store now; undefined if it was deleted meanwhile. */
export async function describeBackup(
  { driver }: StoreWorld,
  { namespace, name, meta, listedSize, readNote = () => readHolds(driver, namespace) }: BackupQuestion,
): Promise<Described | undefined> {
  const inspect = () => driver.stat(makePieceKey(namespace, name, 'object'))
  const [read, inspected] = await Promise.all([
    readManifest(driver, namespace, name),
    listedSize === undefined ? inspect() : undefined,
  ])
  if (read?.manifest && listedSize !== undefined)
    return describeManifest(read, { namespace, name, size: listedSize })
  const object = listedSize === undefined ? inspected : await inspect()
  const found = { namespace, name, size: object?.kind === 'file' ? object.size : null }
  if (read?.manifest) return describeManifest(read, found)
  const entity = meta.find(name)
  const isMirror = object !== undefined && isMirrorFolder({ name, kind: object.kind }, meta)
  if (!read && found.size === null && !isMirror) return undefined
  const holds = [...(await readNote())(name)]
  return { info: { ...makeEntityInfo(entity, found, read?.problem), holds }, manifest: null }
}

export function describeManifest(
  { manifest, changed, printSigned }: Extract<ReadManifest, { problem: null }>,
  found: FoundBackup,
): Described {
  return { info: makeManifestInfo(manifest, found), manifest, printSigned, ...(changed && { changed }) }
}

/** Finds the newest manifest of a volume, by sequence, which must not be used again: hidden ones count. */
export async function findNewestManifest(
  world: StoreWorld,
  volume: VolumeQuestion,
): Promise<Manifest | undefined> {
  let newest: Manifest | undefined
  for await (const manifest of readManifests(world, volume, { hidden: 'too' }))
    if (manifest.sequence >= (newest?.sequence ?? 0)) newest = manifest
  return newest
}

export interface VolumeQuestion {
  namespace: string
  source: string
  /** Also considers backups that are named after it. */
  archive?: string
}

/** Reads the manifests of a volume, in no particular order. */
export async function* readManifests(
  world: StoreWorld,
  { namespace, source, archive }: VolumeQuestion,
  { hidden }: Pick<NamesQuery, 'hidden'> = {},
): AsyncGenerator<Manifest> {
  const { meta, whole } = await readMeta(world, parseNamespace(namespace))
  const keep = whole ? filterNamesOfVolume(meta, source, archive) : undefined
  for (let after: string | null = ''; after !== null; ) {
    const { names, last } = await listBackupNames(
      world.driver,
      { namespace, meta },
      { after, keep, hidden, limit: MAX_NAMES_PER_PASS },
    )
    for await (const read of mapInOrder(names, (name) => readManifest(world.driver, namespace, name))) {
      if (read?.manifest?.source === source) yield read.manifest
    }
    after = last
  }
}
