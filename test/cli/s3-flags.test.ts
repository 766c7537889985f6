import { expect, test } from 'vitest'
import { parseS3Flags, type S3Flags } from '../../src/cli/s3-flags.ts'
import { parseStore } from '../../src/cli/store-flags.ts'

function parse(flags: Partial<S3Flags>) {
  return parseS3Flags({ s3Bucket: 'backups', s3Prefix: '', s3PathStyle: false, ...flags })
}

test('the flags of a store on S3 become its settings', () => {
  const flags = {
    s3Prefix: '/fleet/',
    s3Proxy: 'http://10.0.0.9:3128',
    s3Encryption: 'aws:kms',
    s3KmsKeyId: 'arn:aws:kms:eu-central-1:1234:key/abc-1',
    s3StorageClass: 'STANDARD_IA',
    s3ObjectLockDays: '30',
    storeQuota: '1.5TiB',
  }
  expect(parse(flags)).toEqual({
    driver: 's3',
    bucket: 'backups',
    prefix: 'fleet',
    pathStyle: false,
    proxy: 'http://10.0.0.9:3128',
    encryption: 'aws:kms',
    kmsKeyId: 'arn:aws:kms:eu-central-1:1234:key/abc-1',
    storageClass: 'STANDARD_IA',
    objectLockDays: 30,
    quotaBytes: 1_649_267_441_664,
  })
  expect(parse({ s3Encryption: 'AES256' })).toMatchObject({ encryption: 'AES256' })
  expect(parse({})).toEqual({ driver: 's3', bucket: 'backups', prefix: '', pathStyle: false })
})

test.each([
  [{ s3Proxy: 'proxy:3128' }, '--s3-proxy is "proxy:3128": write a URL without a user'],
  [{ s3Proxy: 'http://user:secret@proxy' }, '--s3-proxy is "http://user:***@proxy/"'],
  [{ s3Encryption: 'aes' }, '--s3-encryption is "aes": write AES256 or aws:kms'],
  [{ s3KmsKeyId: 'abc' }, '--s3-kms-key-id needs --s3-encryption aws:kms'],
  [{ s3KmsKeyId: 'abc', s3Encryption: 'AES256' }, '--s3-kms-key-id needs --s3-encryption aws:kms'],
  [{ s3KmsKeyId: 'a b', s3Encryption: 'aws:kms' }, '--s3-kms-key-id is "a b"'],
  [{ storeQuota: 'much' }, '--store-quota: "much" is not a size'],
  [{ s3ObjectLockDays: '0' }, '--s3-object-lock-days is "0": write a number of days from 1 to 36500'],
  [{ s3ObjectLockDays: '30d' }, '--s3-object-lock-days is "30d"'],
  [{ s3ObjectLockDays: '36501' }, '--s3-object-lock-days is "36501"'],
  [{ s3StorageClass: 'cold storage' }, '--s3-storage-class is "cold storage"'],
  [{ s3StorageClass: 'GLACIER' }, '--s3-storage-class is GLACIER, whose objects cannot be read at once'],
  [{ s3StorageClass: 'DEEP_ARCHIVE' }, 'cannot be read at once'],
])('%j is refused', (flags, reason) => {
  expect(() => parse(flags)).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', message: expect.stringContaining(reason) }),
  )
})

test('a quota is refused for a store that knows its free room', () => {
  const flags = { backupDriver: 'local', backupLocalDir: '/store', backupMoosefsDir: '/mfs', s3Prefix: '' }
  expect(() => parseStore({ ...flags, s3PathStyle: false, storeQuota: '1GiB' })).toThrow(
    '--store-quota is for --backup-driver s3',
  )
})
