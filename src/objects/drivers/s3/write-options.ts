import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import { DAY_MS } from '../../../lib/time-units.ts'
import type { S3Settings } from '../../../wire/store-settings.ts'
import type { ContentKind } from '../../driver.ts'

/** `probe`: an object that shows whether the store accepts the settings. */
export type S3ContentKind = ContentKind | 'probe'

type WriteOptions = Pick<
  PutObjectCommandInput,
  'ServerSideEncryption' | 'SSEKMSKeyId' | 'StorageClass' | 'ObjectLockMode' | 'ObjectLockRetainUntilDate'
>

/**
 * How the store keeps a new object. A storage class is for data only: classes cost extra for objects that are small, or
 * replaced after less than a month. Locks are for what makes a backup and is never replaced.
 */
export function makeWriteOptions(settings: S3Settings, kind?: S3ContentKind): WriteOptions {
  const { encryption, kmsKeyId, storageClass, objectLockDays } = settings
  return {
    ...(encryption !== undefined && { ServerSideEncryption: encryption }),
    ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }),
    ...(storageClass !== undefined &&
      (kind === 'data' || kind === 'probe') && { StorageClass: storageClass as never }),
    ...(objectLockDays !== undefined && (kind === 'data' || kind === 'snapshot') && makeLock(objectLockDays)),
  }
}

/** Whoever has the right to bypass it can remove this lock; the key of a daemon should not have it. */
function makeLock(days: number): WriteOptions {
  const until = new Date(Date.now() + days * DAY_MS)
  return { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until }
}
