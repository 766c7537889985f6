/** The driver and its settings: plain data, because it is sent to child processes. */
export type StoreSettings = { driver: 'local'; dir: string } | { driver: 'moosefs'; dir: string } | S3Settings

/** Where a store in a bucket is, and how to reach it. Secrets are not part of it: each process reads them itself. */
export interface S3Settings {
  driver: 's3'
  bucket: string
  /** The start of all keys, without slashes at its ends; '' is the root of the bucket. */
  prefix: string
  /** The URL of the server; if it is missing, AWS. */
  endpoint?: string
  /** If it is missing, the one of the environment. */
  region?: string
  /** Names the bucket in the path instead of the host name. */
  pathStyle: boolean
  /** A file like ~/.aws/credentials; if it is missing, the AWS SDK looks for credentials in its usual places. */
  credentialsFile?: string
  /** Certificates that the endpoint's may be signed with, besides the usual ones. */
  caFile?: string
  /** The URL of an HTTP proxy. */
  proxy?: string
  /** How the store encrypts objects; if it is missing, as the bucket says. */
  encryption?: 'AES256' | 'aws:kms'
  /** The key of `aws:kms`; if it is missing, the account's usual one. */
  kmsKeyId?: string
  /** Of archives and packs; if it is missing, the bucket's usual one. */
  storageClass?: string
  /** How many days archives, packs and snapshots cannot be deleted; if it is missing, as the bucket says. */
  objectLockDays?: number
  /** How much one server may use, for forecasts; without it, the free room is not known. */
  quotaBytes?: number
}

/** Where the store is, for people, and the same for everyone who uses it: the name of its locks is made from it. */
export function describePlace(settings: StoreSettings): string {
  if (settings.driver !== 's3') return settings.dir
  const { bucket, prefix } = settings
  return prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
}

/** The place of a store that several servers can share; undefined for a folder of one machine. */
export function findSharedPlace(settings: StoreSettings): string | undefined {
  return settings.driver === 'local' ? undefined : describePlace(settings)
}

/** The folders of this machine that belong to the store: no backup may include them, and no recover replace them. */
export function listLocalFolders(settings: StoreSettings): string[] {
  return settings.driver === 's3' ? [] : [settings.dir]
}

/** What a daemon remembers about its namespace, so that another store at the same path is not mistaken for it. */
export interface KnownStore {
  /** The `storeId` of `.owner`; null if no run of this daemon has kept one yet. */
  id: string | null
  /** Whether this daemon has published full backups there. */
  madeArchives: boolean
  /** Whether this daemon has made snapshots there. */
  madeSnapshots: boolean
}
