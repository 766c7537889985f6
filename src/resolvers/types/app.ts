import { Field, ID, Int, ObjectType } from 'type-graphql'
import type { PlannedVolume } from '../../domain/plan.ts'
import type { InventoryInstance, InventoryProc } from '../../wire/inventory.ts'

@ObjectType()
export class App {
  @Field(() => ID)
  name!: string

  source!: InventoryProc[]
}

@ObjectType()
export class Proc {
  @Field(() => ID, { description: 'The full name: `hello.web.web`.' })
  name!: string

  @Field(() => String, { description: '`web`' })
  shortName!: string

  app!: string
  source!: InventoryInstance[]
}

@ObjectType()
export class Instance {
  @Field(() => Int)
  no!: number

  @Field(() => [String])
  containers!: string[]

  app!: string
  proc!: string
  source!: InventoryInstance
}

@ObjectType()
export class Volume {
  @Field(() => String, { description: 'As the proc names it: `/data/db`.' })
  name!: string

  @Field(() => String, { description: 'The directory on its server.' })
  path!: string

  source!: PlannedVolume
}
