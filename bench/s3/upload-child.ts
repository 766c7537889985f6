import { S3 } from '@aws-sdk/client-s3'
import type { S3Settings } from '../../src/wire/store-settings.ts'

/** Uploads its input to the key argv[3] of the store argv[2], as `aws s3 cp - s3://…` does: parts of 8 MiB, ten at once. */
const [, , store = '', Key = ''] = process.argv
const { bucket: Bucket, endpoint = '' }: S3Settings = JSON.parse(store)
const PART_BYTES = 8 * 1024 * 1024
const MAX_AT_ONCE = 10
const client = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true })
const { UploadId } = await client.createMultipartUpload({ Bucket, Key })
const parts: { PartNumber: number; ETag: string | undefined }[] = []
const sending = new Set<Promise<void>>()
let pending: Buffer[] = []
let bytes = 0
for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
  pending.push(chunk)
  bytes += chunk.length
  if (bytes >= PART_BYTES) await add()
}
if (bytes > 0) await add()
await Promise.all(sending)
await client.completeMultipartUpload({
  ...{ Bucket, Key, UploadId },
  MultipartUpload: { Parts: parts.toSorted((a, b) => a.PartNumber - b.PartNumber) },
})
client.destroy()

async function add(): Promise<void> {
  const Body = Buffer.concat(pending)
  pending = []
  bytes = 0
  const PartNumber = parts.length + sending.size + 1
  const sent = client.uploadPart({ Bucket, Key, UploadId, PartNumber, Body }).then(({ ETag }) => {
    parts.push({ PartNumber, ETag })
    sending.delete(sent)
  })
  sending.add(sent)
  if (sending.size >= MAX_AT_ONCE) await Promise.race(sending)
}
