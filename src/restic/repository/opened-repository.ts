import type { Clock } from '../../lib/clock.ts'
import type { RepositoryKey } from '../codec/crypt.ts'
import type { BlobIndex } from './blob-index.ts'
import type { BlobPlace, BlobType } from './blob-place.ts'
import { BlobReader } from './blob-reader.ts'
import type { Config } from './config.ts'
import { IndexKeeper } from './index-keeper.ts'
import { findParent, folderName, idsIn, listPacks, packName, unpackedName } from './layout.ts'
import { RepositoryPackWriter } from './pack-writer.ts'
import { publishSmall } from './publish.ts'
import type {
  OpenOptions,
  PackOptions,
  PackWriter,
  Repository,
  RepositoryPlace,
  UnpackedKind,
} from './repository.ts'
import { streamBlob } from './stream-blob.ts'
import { hashSha256, readUnpacked, sealUnpacked, unsealUnpacked } from './unpacked.ts'

export class OpenedRepository implements Repository {
  readonly id: string
  readonly place: RepositoryPlace
  readonly key: RepositoryKey
  readonly polynomial: bigint
  readonly clock: Clock
  readonly #options: OpenOptions
  readonly #keeper: IndexKeeper
  readonly #blobs: BlobReader

  constructor(place: RepositoryPlace, options: OpenOptions, secrets: { key: RepositoryKey; config: Config }) {
    this.place = place
    this.key = secrets.key
    this.id = secrets.config.id
    this.polynomial = secrets.config.polynomial
    this.clock = options.clock
    this.#options = options
    this.#keeper = new IndexKeeper(this)
    this.#blobs = new BlobReader(this, () => this.#keeper.index)
  }

  warn(message: string): void {
    this.#options.warn(message)
  }

  get distrusted(): ReadonlySet<string> {
    return this.#keeper.distrusted
  }

  distrust(packs: Iterable<string>): void {
    for (const pack of packs) this.#keeper.distrusted.add(pack)
  }

  trust(pack: string): void {
    this.#keeper.distrusted.delete(pack)
  }

  get ignoredIndexes(): ReadonlySet<string> {
    return this.#keeper.ignored
  }

  ignoreIndexes(files: Iterable<string>): void {
    for (const file of files) this.#keeper.ignored.add(file)
  }

  ignoreDamagedIndexes(): void {
    this.#keeper.ignoresDamaged = true
  }

  loadIndex(): Promise<BlobIndex> {
    return this.#keeper.load()
  }

  readBlob(type: BlobType, id: Buffer): Promise<Buffer> {
    return this.#blobs.read(type, id)
  }

  streamBlob(type: BlobType, id: Buffer): AsyncIterable<Buffer> {
    return streamBlob(this, type, id)
  }

  readBlobs(type: BlobType, ids: Iterable<Buffer>) {
    return this.#blobs.readMany(type, ids)
  }

  blobSize(type: BlobType, id: Buffer): number | undefined {
    return this.locate(type, id)?.plainLength
  }

  locate(type: BlobType, id: Buffer): BlobPlace | undefined {
    const { index } = this.#keeper
    const entry = index.find(type, id)
    return entry < 0 ? undefined : index.placeAt(entry)
  }

  beginPacks(options: PackOptions = {}): PackWriter {
    return new RepositoryPackWriter(this, this.#keeper, options)
  }

  listPacks(): AsyncIterable<{ id: string; size: number }> {
    return listPacks(this.place)
  }

  removePack(id: string): Promise<void> {
    return this.place.driver.remove(packName(this.place, id))
  }

  readSealed(type: BlobType, id: Buffer, place: BlobPlace): Promise<Buffer> {
    return this.#blobs.readSealed(type, id, place)
  }

  dropFromIndex(packs: ReadonlySet<string>): Promise<void> {
    return this.#keeper.drop(this, packs)
  }

  async saveUnpacked(kind: UnpackedKind, content: Buffer): Promise<string> {
    const sealed = kind === 'keys' ? content : sealUnpacked(this.key, content)
    const id = hashSha256(sealed).toString('hex')
    const object = { name: unpackedName(this.place, kind, id), content: sealed, isNamedByContent: true }
    await publishSmall(this.place, kind === 'snapshots' ? { ...object, kind: 'snapshot' } : object)
    return id
  }

  async loadUnpacked(kind: UnpackedKind, id: string): Promise<Buffer> {
    const content = await readUnpacked(this.place, kind, id)
    return kind === 'keys' ? content : unsealUnpacked(this.key, unpackedName(this.place, kind, id), content)
  }

  listUnpacked(kind: UnpackedKind): AsyncIterable<string> {
    return idsIn(this.place, folderName(this.place, kind))
  }

  async removeUnpacked(kind: UnpackedKind, id: string): Promise<void> {
    const name = unpackedName(this.place, kind, id)
    if (!(await this.place.driver.stat(name))) return
    await this.place.driver.remove(name)
    await this.place.driver.syncFolder?.(findParent(name))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#blobs.close()
  }
}
