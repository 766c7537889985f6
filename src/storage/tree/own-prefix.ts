/** Names at the root of a volume that start so are a recover's own (staging, journal): never backed up. */
export const OWN_PREFIX = Buffer.from('.backupd-')
