import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import type { ObjectStat } from '../../driver.ts'
import type { Bucket } from './bucket.ts'

/** Lists the entries directly in a folder, one request for each thousand. Skips keys that an object of ours cannot have. */
export async function* listBucketFolder(bucket: Bucket, folder: string): AsyncGenerator<ObjectStat> {
  const start = bucket.folderKey(folder)
  let after: string | undefined
  do {
    const page = await bucket.list(folder, after === undefined ? {} : { after })
    for (const entry of readEntries(page)) {
      const name = entry.name.startsWith(start) ? entry.name.slice(start.length) : ''
      if (isPlain(name)) yield { ...entry, name }
    }
    after = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (after !== undefined)
}

/**
 * Lists everything in a folder and its folders, one request for each page, in the order of names.
 * @param after begins behind this name; '' begins at the first one
 */
export async function* listBucketTree(
  bucket: Bucket,
  folder: string,
  after: string,
): AsyncGenerator<{ objects: { name: string; size: number }[]; isLast: boolean }> {
  const start = bucket.folderKey('').length
  for (let last = after; ; ) {
    const { Contents = [], IsTruncated } = await bucket.listTree(folder, last === '' ? undefined : last)
    const objects = Contents.map(({ Key = '', Size = 0 }) => ({
      name: decodeKey(Key).slice(start),
      size: Size,
    }))
    last = objects.at(-1)?.name ?? ''
    const isLast = !IsTruncated || last === ''
    yield { objects, isLast }
    if (isLast) return
  }
}

function* readEntries({
  Contents = [],
  CommonPrefixes = [],
}: ListObjectsV2CommandOutput): Generator<ObjectStat> {
  for (const { Key = '', Size = 0, LastModified } of Contents)
    yield { name: decodeKey(Key), kind: 'file', size: Size, modifiedMs: LastModified?.getTime() ?? 0 }
  for (const { Prefix = '' } of CommonPrefixes)
    yield { name: decodeKey(Prefix).replace(/\/$/, ''), kind: 'folder', size: 0, modifiedMs: 0 }
}

/** Decodes a key as in a form: AWS writes a space as `+`. A key that is not UTF-8 stays as it is. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return key
  }
}

/** A console makes an object named like the folder, and other programs may use empty parts. */
function isPlain(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0')
}
