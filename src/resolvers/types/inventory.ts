import { Field, Int, ObjectType } from 'type-graphql'
import { DateTime } from '../scalars.ts'

@ObjectType({ description: 'A change that loses so many volumes that it waits.' })
export class HeldChange {
  @Field(() => DateTime)
  since!: string

  @Field(() => DateTime, { description: 'When it comes into force, unless the volumes come back.' })
  until!: string

  @Field(() => Int)
  lostVolumes!: number

  @Field(() => Int)
  ofVolumes!: number
}

@ObjectType({ description: 'What should be backed up, and what stands against the newest word on it.' })
export class InventoryStatus {
  @Field(() => DateTime, { description: 'Since when the inventory in force is.' })
  since!: string

  @Field(() => Int)
  volumes!: number

  @Field(() => Int)
  servers!: number

  @Field(() => String, {
    nullable: true,
    description: 'Why the newest one cannot be read; the last good one is in force.',
  })
  problem!: string | null

  @Field(() => [String], { description: 'What of the one in force had to be left out.' })
  faults!: string[]

  @Field(() => HeldChange, { nullable: true })
  held!: HeldChange | null
}
