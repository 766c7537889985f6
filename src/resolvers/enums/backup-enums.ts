import { registerEnumType } from 'type-graphql'

export const BackupMode = { FULL: 'full', INCREMENT: 'increment' } as const
export type BackupMode = (typeof BackupMode)[keyof typeof BackupMode]
registerEnumType(BackupMode, {
  name: 'BackupMode',
  description: 'FULL: one archive each time. INCREMENT: a series of snapshots under one name.',
})

export const VerifyMethod = { HASH: 'hash', STRUCTURE: 'structure', READ: 'read' } as const
export type VerifyMethod = (typeof VerifyMethod)[keyof typeof VerifyMethod]
registerEnumType(VerifyMethod, {
  name: 'VerifyMethod',
  description: 'What a verification compares a backup with. Only HASH is a proof.',
  valuesConfig: {
    HASH: { description: 'The checksums that were taken when it was made.' },
    STRUCTURE: { description: 'Only the checksums of its format: an archive of the legacy system.' },
    READ: { description: 'Nothing: every file of a mirror of the legacy system was read.' },
  },
})
