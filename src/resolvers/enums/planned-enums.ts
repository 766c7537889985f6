import { registerEnumType } from 'type-graphql'
import type { BucketLength, PlannedBy } from '../../domain/planned-runs.ts'

export const PlannedBucketLength = {
  QUARTER_HOUR: 'QUARTER_HOUR',
  HOUR: 'HOUR',
  DAY: 'DAY',
} as const satisfies { [Length in BucketLength]: Length }
export type PlannedBucketLength = BucketLength
registerEnumType(PlannedBucketLength, {
  name: 'PlannedBucketLength',
  description: 'A length of time; a day is 24 hours.',
})

export const PlannedGrouping = {
  APP: 'APP',
  SERVER: 'SERVER',
  ACTION: 'ACTION',
  MODE: 'MODE',
} as const satisfies { [By in PlannedBy]: By }
export type PlannedGrouping = PlannedBy
registerEnumType(PlannedGrouping, {
  name: 'PlannedGrouping',
  description: 'What planned runs are grouped by.',
})
