import { Field, ID, Int, ObjectType } from 'type-graphql'
import { BigIntScalar } from '../scalars.ts'

@ObjectType()
export class CatalogCopy {
  @Field(() => String)
  path!: string

  @Field(() => BigIntScalar)
  size!: number
}

@ObjectType()
export class UnknownObjects {
  @Field(() => Int)
  count!: number

  @Field(() => [String], { description: 'The first of them, by name.' })
  names!: string[]
}

@ObjectType()
export class NamespaceRebuild {
  @Field(() => ID, { description: 'The server whose folder of the store it is.' })
  ip!: string

  @Field(() => Int)
  added!: number

  @Field(() => Int)
  updated!: number

  @Field(() => Int)
  removed!: number

  @Field(() => Int)
  unchanged!: number

  @Field(() => UnknownObjects, {
    nullable: true,
    description:
      'What lies there and is no part of a backup: reported, never touched. null where no daemon tells.',
  })
  unknown!: UnknownObjects | null

  @Field(() => String, {
    nullable: true,
    description: 'Why it could not be read; the catalog then keeps what it has.',
  })
  error!: string | null
}

@ObjectType()
export class CatalogRebuild {
  @Field(() => Boolean, { description: 'Only counted, nothing changed.' })
  dryRun!: boolean

  @Field(() => [NamespaceRebuild])
  namespaces!: NamespaceRebuild[]
}
