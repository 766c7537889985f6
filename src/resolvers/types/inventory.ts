import { Field, Int, ObjectType } from 'type-graphql'
import { DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({
  ...SIMPLE,
  description: 'A new inventory that loses so many volumes that it takes effect only later.',
})
export class HeldChange {
  @Field(() => DateTime, { description: 'When it arrived.' })
  since!: string

  @Field(() => DateTime, { description: 'When it comes into force, unless the volumes come back.' })
  until!: string

  @Field(() => Int, { description: 'How many volumes it loses.' })
  lostVolumes!: number

  @Field(() => Int, { description: 'How many volumes the inventory in force has.' })
  ofVolumes!: number
}

@ObjectType({ ...SIMPLE, description: 'The inventory in force, and why a newer one is not.' })
export class InventoryStatus {
  @Field(() => DateTime, { description: 'When the inventory in force took effect.' })
  since!: string

  @Field(() => Int, { description: 'Number of its volumes.' })
  volumes!: number

  @Field(() => Int, { description: 'Number of its servers.' })
  servers!: number

  @Field(() => String, {
    nullable: true,
    description:
      'Why the newest inventory cannot be read; the last good one stays in force. null if it can be read.',
  })
  problem!: string | null

  @Field(() => [String], {
    description: 'Parts of the inventory in force that were left out, one sentence each.',
  })
  faults!: string[]

  @Field(() => HeldChange, {
    nullable: true,
    description: 'A newer inventory that is not in force yet; null if there is none.',
  })
  held!: HeldChange | null
}
