// The types and inputs of the GraphQL API, with the descriptions that users read in the IDE. Classes without behaviour:
// the mappers of ../mapper.ts and ../snapshot-mapper.ts fill them, field resolvers (../*-resolver.ts) add what must be
// fetched. Decorators read no TypeScript types, so each field names its type and whether it may be null.

import { Field, ID, Int, ObjectType } from 'type-graphql'
import type { PlannedVolume } from '../../domain/plan.ts'
import type { InventoryInstance, InventoryProc } from '../../wire/inventory.ts'
import { BigIntScalar, DateTime } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'An application of the inventory.' })
export class App {
  @Field(() => ID, { description: 'Its name: `shop`.' })
  name!: string

  source!: InventoryProc[]
}

@ObjectType({ ...SIMPLE, description: 'A process of an app. It runs as one or more instances.' })
export class Proc {
  @Field(() => ID, { description: 'The full name: `shop.web.web`.' })
  name!: string

  @Field(() => String, { description: 'The short name: `web`.' })
  shortName!: string

  app!: string
  source!: InventoryInstance[]
}

@ObjectType({ ...SIMPLE, description: 'One instance of a proc, with its own copy of every volume.' })
export class Instance {
  @Field(() => Int, { description: 'Its number, from 1.' })
  no!: number

  @Field(() => [String], { description: 'Names or ids of its containers, as the inventory has them.' })
  containers!: string[]

  app!: string
  proc!: string
  source!: InventoryInstance
}

@ObjectType({ ...SIMPLE, description: 'What a recover of a volume replaced and kept.' })
export class KeptOld {
  @Field(() => ID, { description: 'The recover, which `undoRecover` undoes.' })
  rid!: string

  @Field(() => DateTime, { description: 'When it was replaced.' })
  made!: string

  @Field(() => DateTime, { description: 'When it is removed.' })
  until!: string

  @Field(() => BigIntScalar, { description: 'The room that it takes.' })
  bytes!: number

  @Field(() => Int, { description: 'How many files it has.' })
  files!: number
}

@ObjectType({ ...SIMPLE, description: 'A directory of a proc that the inventory names.' })
export class Volume {
  @Field(() => String, { description: 'The app that it belongs to.' })
  app!: string

  @Field(() => String, { description: 'The full name of the proc.' })
  proc!: string

  @Field(() => Int, { description: 'Number of the instance, from 1.' })
  instanceNo!: number

  @Field(() => String, { description: 'Its path inside the proc: `/data/db`.' })
  name!: string

  @Field(() => String, { description: 'Its absolute path on the server.' })
  path!: string

  source!: PlannedVolume
}
