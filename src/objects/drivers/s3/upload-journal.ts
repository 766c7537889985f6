import { z } from 'zod'
import type { Bucket } from './bucket.ts'

const journalSchema = z.object({
  /** The object that is being written. */
  object: z.string(),
  /** Null until the upload has begun; small objects need none. */
  upload: z.string().nullable(),
})
type JournalNote = z.infer<typeof journalSchema>

/**
 * A small object that stands for an unfinished one in lists: S3 lists uploads by their future name only, and does not say
 * whose they are. It names the upload, so that exactly that one is aborted when this object is removed.
 */
export class UploadJournal {
  readonly #bucket: Bucket
  readonly #name: string
  readonly #writer: string
  readonly #object: string

  constructor(bucket: Bucket, { name, writer, object }: { name: string; writer: string; object: string }) {
    this.#bucket = bucket
    this.#name = name
    this.#writer = writer
    this.#object = object
  }

  /** Before anything else is written. */
  async begin(): Promise<void> {
    await this.#write(null)
  }

  async noteUpload(id: string): Promise<void> {
    await this.#write(id)
  }

  async end(): Promise<void> {
    await this.#bucket.remove(this.#name)
  }

  #write(upload: string | null): Promise<void> {
    const note: JournalNote = { object: this.#object, upload }
    const content = Buffer.from(`${JSON.stringify(note)}\n`)
    return this.#bucket.put(this.#name, content, { writer: this.#writer, isUnfinished: true })
  }
}

/** Aborts what the journal `name` stands for; the journal itself stays. Does nothing if `name` is not a journal. */
export async function abortJournalled(bucket: Bucket, name: string): Promise<void> {
  if (!(await bucket.head(name))?.isUnfinished) return
  const note = await readJournalNote(bucket, name)
  if (!note) return
  // Without an id, the writer was killed between the begin of its upload and its note.
  if (note.upload === null) await abortUploads(bucket, note.object)
  else await bucket.uploads.abort({ name: note.object, id: note.upload })
}

/** Aborts all uploads to exactly this name, which has one writer. */
export async function abortUploads(bucket: Bucket, name: string): Promise<void> {
  for (const id of await bucket.uploads.list(name)) await bucket.uploads.abort({ name, id })
}

async function readJournalNote(bucket: Bucket, name: string): Promise<JournalNote | undefined> {
  const found = await bucket.readWhole(name)
  try {
    return journalSchema.parse(JSON.parse(`${found?.content}`))
  } catch {
    return undefined
  }
}
