import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { S3 } from '@aws-sdk/client-s3'
import type { S3Settings } from '../../src/wire/store-settings.ts'

/** Writes the object with the key argv[3] of the store argv[2] to its output, as `aws s3 cp s3://… -` does. */
const [, , store = '', Key = ''] = process.argv
const { bucket: Bucket, endpoint = '' }: S3Settings = JSON.parse(store)
const client = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true })
const { Body } = await client.getObject({ Bucket, Key })
if (!(Body instanceof Readable)) throw new TypeError('the object came in an unknown form')
await pipeline(Body, process.stdout)
client.destroy()
