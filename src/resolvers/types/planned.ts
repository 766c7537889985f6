import { Field, ID, ObjectType } from 'type-graphql'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'A part of a time in which runs are planned.' })
export class PlannedRunsBucket {
  @Field(() => DateTime, { description: 'When it begins.' })
  start!: string

  @Field(() => BigIntScalar, { description: 'How many runs are planned in it.' })
  runs!: number
}

@ObjectType({ ...SIMPLE, description: 'The planned runs that have something in common.' })
export class PlannedRuns {
  @Field(() => String, {
    nullable: true,
    description: 'The app, server, action or mode; empty for runs that have no mode. null without `by`.',
  })
  key!: string | null

  @Field(() => BigIntScalar, { description: 'How many runs are planned in the whole time.' })
  runs!: number

  @Field(() => [PlannedRunsBucket], { description: 'Those that have runs, the earliest first.' })
  buckets!: PlannedRunsBucket[]
}

@ObjectType({ ...SIMPLE, description: 'The room of a store on one day.' })
export class StoreDay {
  @Field(() => String, { description: 'The day in UTC: `2026-01-31`.' })
  date!: string

  @Field(() => BigIntScalar, { description: 'Bytes in use when its daemon last answered on that day.' })
  usedBytes!: number

  @Field(() => BigIntScalar, { description: 'Free bytes then; those of a quota if that is tighter.' })
  freeBytes!: number
}

@ObjectType({ ...SIMPLE, description: 'The room of the store of one server, day by day.' })
export class StoreHistory {
  @Field(() => ID, { description: 'Its IPv4 address.' })
  server!: string

  @Field(() => [StoreDay], {
    description: 'The earliest first; days on which its daemon did not answer are left out.',
  })
  days!: StoreDay[]
}
