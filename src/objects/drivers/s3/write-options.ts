import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import type { S3Settings } from '../../../wire/store-settings.ts'
import type { ContentKind } from '../../driver.ts'

/** `probe`: an object that shows whether the store accepts the settings. */
export type S3ContentKind = ContentKind | 'probe'

type WriteOptions = Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId' | 'StorageClass'>

/**
 * How the store keeps a new object. A storage class is for data only: classes cost extra for objects that are small, or
 * replaced after less than a month.
 */
export function makeWriteOptions(settings: S3Settings, kind?: S3ContentKind): WriteOptions {
  const { encryption, kmsKeyId, storageClass } = settings
  return {
    ...(encryption !== undefined && { ServerSideEncryption: encryption }),
    ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }),
    ...(storageClass !== undefined &&
      (kind === 'data' || kind === 'probe') && { StorageClass: storageClass as never }),
  }
}
