import { z } from 'zod'
import { readFileIfThere, writeFileAtomically } from '../../../lib/atomic-file.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Bucket } from './bucket.ts'
import { listBucketTree } from './list-bucket-folder.ts'

export interface CountOptions {
  /** The folder whose objects are counted. */
  namespace: string
  /** `<data>/store-usage.json`: keeps the count between processes. */
  file: string
  clock: Clock
}

/** Each thousand objects are a request, so they are counted this often only. */
const MAX_AGE_MS = 15 * 60_000
/** A question gets its answer within nine seconds: a long count goes on with the next one. */
const MAX_COUNT_MS = 3000

const bytes = z.number().int().nonnegative().safe()
const usageSchema = z.object({
  /** Another store has other objects. */
  folder: z.string(),
  /** Unix ms of the end of the last whole count. */
  countedAt: z.number(),
  /** Null until the first count is whole. */
  usedBytes: bytes.nullable(),
  /** A count that goes on after the object `after`, which it has counted. */
  unfinished: z.object({ after: z.string(), bytes }).nullable(),
})
type Usage = z.infer<typeof usageSchema>

/**
 * The bytes of all objects in a namespace, at most a quarter of an hour old; undefined until they are counted for the
 * first time. Neither old versions of objects nor unfinished uploads count, which a list does not show.
 */
export async function countUsedBytes(bucket: Bucket, options: CountOptions): Promise<number | undefined> {
  const folder = `${bucket.place}/${options.namespace}`
  const known = await readUsage(options.file, folder)
  const age = options.clock.now() - known.countedAt
  if (known.unfinished === null && age >= 0 && age < MAX_AGE_MS) return known.usedBytes ?? undefined
  const counted = await count(bucket, known, options)
  // If the disk is full, which others report, the next question counts again.
  await writeFileAtomically(options.file, `${JSON.stringify(counted)}\n`).catch(() => {})
  return counted.usedBytes ?? undefined
}

async function count(bucket: Bucket, known: Usage, { namespace, clock }: CountOptions): Promise<Usage> {
  const endsAt = clock.elapsed() + MAX_COUNT_MS
  const found = known.unfinished ?? { after: '', bytes: 0 }
  for await (const { objects, isLast } of listBucketTree(bucket, namespace, found.after)) {
    for (const { size } of objects) found.bytes += size
    found.after = objects.at(-1)?.name ?? found.after
    if (!isLast && clock.elapsed() >= endsAt) return { ...known, unfinished: found }
  }
  return { ...known, countedAt: clock.now(), usedBytes: found.bytes, unfinished: null }
}

/** A file that cannot be read counts as missing. */
async function readUsage(file: string, folder: string): Promise<Usage> {
  const nothing: Usage = { folder, countedAt: 0, usedBytes: null, unfinished: null }
  try {
    const usage = usageSchema.parse(JSON.parse((await readFileIfThere(file)) ?? ''))
    return usage.folder === folder ? usage : nothing
  } catch {
    return nothing
  }
}
