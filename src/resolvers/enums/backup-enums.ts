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

export const ProvenBy = { VERIFY: 'verify', DRILL: 'drill' } as const
export type ProvenBy = (typeof ProvenBy)[keyof typeof ProvenBy]
registerEnumType(ProvenBy, {
  name: 'ProvenBy',
  description: 'How it was proven that a backup can be restored.',
  valuesConfig: {
    VERIFY: { description: 'All of it was read and compared with its checksums.' },
    DRILL: { description: 'It was restored into a scratch folder and compared there.' },
  },
})

export const DrillMode = { FULL: 'full' } as const
export type DrillMode = (typeof DrillMode)[keyof typeof DrillMode]
registerEnumType(DrillMode, { name: 'DrillMode', description: 'How much of a backup a drill restores.' })
