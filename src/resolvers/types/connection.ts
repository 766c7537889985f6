import { type ClassType, Field, Int, ObjectType } from 'type-graphql'
import { SIMPLE } from '../simple.ts'

@ObjectType(SIMPLE)
export class PageInfo {
  @Field(() => Boolean)
  hasNextPage!: boolean

  @Field(() => String, { nullable: true, description: 'Pass it as `after` for the next page.' })
  endCursor!: string | null
}

/** A page in GraphQL's connection form. */
export interface Connection<T> {
  edges: { cursor: string; node: T }[]
  nodes: T[]
  pageInfo: PageInfo
  totalCount: number | null
}

export interface ConnectionOptions {
  /** The count is not always known. */
  uncounted?: boolean
}

/** Creates the GraphQL type `<name>Connection` with its edge type. */
export function connectionType<T extends object>(
  name: string,
  node: () => ClassType<T>,
  options: ConnectionOptions = {},
) {
  @ObjectType(`${name}Edge`, SIMPLE)
  class Edge {
    @Field(() => String)
    cursor!: string

    @Field(() => node())
    node!: T
  }

  @ObjectType(`${name}Connection`, SIMPLE)
  class NamedConnection implements Connection<T> {
    @Field(() => [Edge])
    edges!: Edge[]

    @Field(() => [node()])
    nodes!: T[]

    @Field(() => PageInfo)
    pageInfo!: PageInfo

    @Field(() => Int, { nullable: options.uncounted === true })
    totalCount!: number | null
  }
  return NamedConnection
}
