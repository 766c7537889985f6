import { randomUUID } from 'node:crypto'
import { BackupdError } from '../../../lib/errors.ts'
import { sleep } from '../../../lib/sleep.ts'
import type { S3Settings } from '../../../wire/store-settings.ts'
import type {
  BareDriver,
  CreateOptions,
  KnownObject,
  ObjectLock,
  ObjectName,
  ObjectReader,
  ObjectStat,
  ObjectWriter,
  StoreCheckOptions,
  UnnamedOptions,
  UnnamedWriter,
} from '../../driver.ts'
import { parseUnfinished, unfinishedName } from '../../unfinished.ts'
import { checkObjectName } from '../object-names.ts'
import { Bucket } from './bucket.ts'
import { ConditionalWrites } from './conditional-writes.ts'
import { listBucketFolder } from './list-bucket-folder.ts'
import { inTurn } from './name-turns.ts'
import { S3ObjectReader } from './object-reader.ts'
import { S3ObjectWriter } from './object-writer.ts'
import { PartPlan } from './part-sizes.ts'
import { PlannedReader } from './planned-reader.ts'
import { makeQuotaSpace } from './quota-space.ts'
import type { StoredObject } from './stored-object.ts'
import { abortJournalled, UploadJournal } from './upload-journal.ts'
import { type CountOptions, countUsedBytes } from './used-bytes.ts'

/** How long a store without conditional writes is given to show who wrote last. */
const LAST_WORD_MS = 1000

/**
 * A bucket as a store. Objects have the keys `<prefix>/<name>`; folders exist only in their names. Nothing is renamed and
 * nothing is locked; see withLocalLocks and retryingDriver, with which open-driver.ts completes it.
 */
export function s3Driver(settings: S3Settings, counting?: CountOptions): BareDriver {
  const bucket = new Bucket(settings)
  const driver: BareDriver = new S3Driver(bucket)
  const { quotaBytes } = settings
  if (quotaBytes === undefined || counting === undefined) return driver
  return Object.assign(driver, {
    async space() {
      const usedBytes = await countUsedBytes(bucket, counting)
      return usedBytes === undefined ? undefined : makeQuotaSpace(usedBytes, quotaBytes)
    },
  })
}

class S3Driver implements BareDriver {
  readonly name = 's3'
  readonly abilities = { durability: 'acknowledged', showsNamesAtOnce: false, listsSizes: true } as const
  readonly #bucket: Bucket
  readonly #conditional: ConditionalWrites

  constructor(bucket: Bucket) {
    this.#bucket = bucket
    this.#conditional = new ConditionalWrites(bucket)
  }

  async create(name: string, options: CreateOptions = {}): Promise<ObjectWriter> {
    const { run, expectedBytes, isSmall = false, ...marks } = options
    const writer = randomUUID()
    const plan = new PartPlan(checkObjectName(name), expectedBytes)
    const unfinished = { name: unfinishedName(name, run), writer, object: name }
    const journal = isSmall ? undefined : new UploadJournal(this.#bucket, unfinished)
    await journal?.begin()
    const object = new S3ObjectWriter(this.#bucket, this.#conditional, {
      ...marks,
      ...(journal && { name, journal }),
      writer,
      plan,
    })
    return {
      write: (chunk) => object.write(chunk),
      sync: () => object.sync(),
      commit: () => object.commit(name),
      abort: () => object.abort(),
    }
  }

  async createIn(folder: string, marks: UnnamedOptions = {}): Promise<UnnamedWriter> {
    const plan = new PartPlan(checkObjectName(folder))
    return new S3ObjectWriter(this.#bucket, this.#conditional, { ...marks, writer: randomUUID(), plan })
  }

  async open(name: string, known?: KnownObject): Promise<ObjectReader> {
    if (known) return new PlannedReader(this.#bucket, checkObjectName(name), known)
    const found = await this.#bucket.head(checkObjectName(name))
    if (found) return new S3ObjectReader(this.#bucket, name, found)
    const message = `Cannot open "${name}" in the store ${this.#bucket.place}: it does not exist`
    throw new BackupdError('NOT_FOUND', message, { facts: { object: name } })
  }

  async readWhole(name: string, maxBytes: number): Promise<Buffer | undefined> {
    return (await this.#bucket.readWhole(checkObjectName(name), maxBytes))?.content
  }

  async stat(name: string): Promise<ObjectStat | undefined> {
    const found = await this.#bucket.head(checkObjectName(name))
    if (found) return { name, kind: 'file', size: found.size, modifiedMs: found.modifiedMs }
    const { KeyCount } = await this.#bucket.list(name, { limit: 1 })
    return KeyCount ? { name, kind: 'folder', size: 0, modifiedMs: 0 } : undefined
  }

  async replace(name: string, content: Buffer): Promise<void> {
    await this.#bucket.put(checkObjectName(name), content, { writer: randomUUID() })
  }

  async update(name: string, change: (before: Buffer | undefined) => Buffer): Promise<void> {
    await inTurn(`${this.#bucket.place}/${checkObjectName(name)}`, async () => {
      const before = await this.#bucket.readWhole(name)
      const content = change(before?.content)
      const isConditional = await this.#conditional.areKept()
      const condition = isConditional ? onlyAfter(before?.stored) : {}
      const writer = randomUUID()
      await this.#bucket.put(name, content, { writer, ...condition })
      if (!isConditional) await this.#checkLastWord(name, writer)
    })
  }

  async remove(name: string): Promise<void> {
    if (parseUnfinished(checkObjectName(name))) await abortJournalled(this.#bucket, name)
    await this.#bucket.remove(name)
  }

  list(folder: string): AsyncIterable<ObjectStat> {
    return listBucketFolder(this.#bucket, folder)
  }

  async *names(folder: string): AsyncIterable<ObjectName> {
    for await (const { name, kind } of listBucketFolder(this.#bucket, folder)) yield { name, kind }
  }

  async findLock(name: string): Promise<ObjectLock | undefined> {
    checkObjectName(name)
    if (!(await this.#bucket.protection.mayLock())) return undefined
    return (await this.#bucket.head(name))?.lock
  }

  keepsConditions(): Promise<boolean> {
    return this.#conditional.areKept()
  }

  keepsVersions(): Promise<boolean | undefined> {
    return this.#bucket.protection.keepsVersions()
  }

  async check({ byWriting = false }: StoreCheckOptions = {}): Promise<void> {
    await this.#bucket.check()
    if (byWriting) await this.#bucket.protection.check()
    if (byWriting) await this.#conditional.checkWriting()
  }

  /** Without conditions, somebody else may have written at the same moment: the last one wins, and the others see that. */
  async #checkLastWord(name: string, writer: string): Promise<void> {
    await sleep(LAST_WORD_MS)
    if ((await this.#bucket.head(name))?.writer === writer) return
    const what = `Cannot replace "${name}" in the store ${this.#bucket.place}`
    throw new BackupdError('CONFLICT', `${what}: somebody else replaced it at the same time`, {
      facts: { object: name },
    })
  }
}

function onlyAfter(before: StoredObject | undefined): { ifNew: true } | { ifMatch: string } {
  return before ? { ifMatch: before.etag } : { ifNew: true }
}
