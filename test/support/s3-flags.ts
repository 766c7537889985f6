import type { S3Settings } from '../../src/wire/store-settings.ts'

/** The flags of `daemon` and `standalone` for a store in a bucket. */
export function s3Flags({ bucket, prefix, endpoint = '', credentialsFile = '' }: S3Settings): string[] {
  const place = ['--s3-bucket', bucket, '--s3-prefix', prefix, '--s3-endpoint', endpoint, '--s3-path-style']
  return ['--backup-driver', 's3', ...place, '--s3-credentials-file', credentialsFile]
}
