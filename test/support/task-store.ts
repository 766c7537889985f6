import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/lib/clock.ts'
import type { Driver } from '../../src/objects/driver.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { openDriver } from '../../src/objects/drivers/open-driver.ts'
import type { S3Settings } from '../../src/wire/store-settings.ts'

/** Opens the store of a test in `dir`: a bucket if there are settings, otherwise that folder. */
export function openTaskStore(dir: string, bucket?: S3Settings): Driver {
  return bucket ? openDriver(bucket, { dataDir: join(dir, 'daemon'), clock: systemClock }) : localDriver(dir)
}

/** Where restic finds what is at `name` of a store in a bucket, and what it needs to read it. */
export function resticPlace({ endpoint, bucket, prefix, credentialsFile = '' }: S3Settings, name: string) {
  const read = (key: string) =>
    new RegExp(`${key} = (.*)`).exec(readFileSync(credentialsFile, 'utf8'))?.[1] ?? ''
  const env = {
    AWS_ACCESS_KEY_ID: read('aws_access_key_id'),
    AWS_SECRET_ACCESS_KEY: read('aws_secret_access_key'),
  }
  return { location: `s3:${endpoint}/${bucket}/${prefix}/${name}`, env }
}
