import { Field, ID, Int, ObjectType } from 'type-graphql'
import { BigIntScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: "A copy of the controller's database." })
export class CatalogCopy {
  @Field(() => String, { description: 'Absolute path of the new file on the controller.' })
  path!: string

  @Field(() => BigIntScalar, { description: 'Bytes.' })
  size!: number
}

@ObjectType({ ...SIMPLE, description: "Names in a server's folder of the store that belong to no backup." })
export class UnknownObjects {
  @Field(() => Int, { description: 'How many there are.' })
  count!: number

  @Field(() => [String], { description: 'The first 20, sorted by name.' })
  names!: string[]
}

@ObjectType({ ...SIMPLE, description: "What a rebuild found in one server's folder of the store." })
export class NamespaceRebuild {
  @Field(() => ID, { description: 'The server whose folder it is.' })
  ip!: string

  @Field(() => Int, { description: 'Backups that the catalog did not have.' })
  added!: number

  @Field(() => Int, { description: 'Backups that differed in the catalog.' })
  updated!: number

  @Field(() => Int, { description: 'Backups that the catalog had and the store does not have.' })
  removed!: number

  @Field(() => Int, { description: 'Backups that are the same in both.' })
  unchanged!: number

  @Field(() => UnknownObjects, {
    nullable: true,
    description: 'Names that belong to no backup; they are never touched. null if no daemon can list them.',
  })
  unknown!: UnknownObjects | null

  @Field(() => String, {
    nullable: true,
    description: 'Why the folder could not be read; the catalog then keeps what it has. null if it was read.',
  })
  error!: string | null
}

@ObjectType({ ...SIMPLE, description: 'The result of a rebuild.' })
export class CatalogRebuild {
  @Field(() => Boolean, { description: 'The changes were only counted.' })
  dryRun!: boolean

  @Field(() => [NamespaceRebuild], { description: 'One entry for each server that has a folder or backups.' })
  namespaces!: NamespaceRebuild[]
}
