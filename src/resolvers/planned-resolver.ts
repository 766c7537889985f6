import { Arg, Ctx, ID, Int, Query, Resolver } from 'type-graphql'
import { findPlannedRuns, MAX_BUCKETS } from '../domain/planned-runs.ts'
import { readStoreHistory } from '../domain/read-store-history.ts'
import { MAX_DAYS } from '../domain/volume-days.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { PlannedBucketLength, PlannedGrouping } from './enums/planned-enums.ts'
import { optionalText } from './filters.ts'
import { DateTime } from './scalars.ts'
import { PlannedRuns, StoreHistory } from './types/planned.ts'

const FROM = { description: 'Where the first bucket begins.' }
const TO = { description: `Excluded. At most ${MAX_BUCKETS} buckets after \`from\`.` }
const BUCKET = {
  nullable: true,
  defaultValue: PlannedBucketLength.HOUR,
  description: 'How long each bucket is; the first one begins at `from`.',
}
const BY = {
  nullable: true,
  description: 'What the runs are grouped by. All are in one group if it is left out.',
}
const ONE_SERVER = { nullable: true, description: 'Only the store of this server.' }
const DAYS = { nullable: true, defaultValue: 30, description: `How many days: 1 to ${MAX_DAYS}.` }

@Resolver()
export class PlannedResolver {
  @Query(() => [PlannedRuns], {
    description:
      'When backups and verifications are planned, by the present schedules. Jobs that are paused are left out, and so is expiry.',
  })
  plannedRuns(
    @Ctx() { world }: Context,
    @Arg('from', () => DateTime, FROM) from: Date,
    @Arg('to', () => DateTime, TO) to: Date,
    @Arg('bucket', () => PlannedBucketLength, BUCKET) bucket?: PlannedBucketLength,
    @Arg('by', () => PlannedGrouping, BY) by?: PlannedGrouping,
  ): Promise<PlannedRuns[]> {
    return findPlannedRuns(world, {
      from: from.toISOString(),
      to: to.toISOString(),
      bucket: bucket ?? PlannedBucketLength.HOUR,
      by: by ?? undefined,
    })
  }

  @Query(() => [StoreHistory], {
    description:
      'The room of the store of each server on each of the last days. Needs a role for everything.',
  })
  async storeHistory(
    @Ctx() { world }: Context,
    @Arg('days', () => Int, DAYS) days?: number,
    @Arg('server', () => ID, ONE_SERVER) server?: string,
  ): Promise<StoreHistory[]> {
    const question = { days: days ?? 30, server: optionalText('server', server) }
    return orThrow(await readStoreHistory(world, question))
  }
}
