import { type ClassType, Field, Int, ObjectType } from 'type-graphql'
import { SIMPLE } from '../simple.ts'

@ObjectType({ ...SIMPLE, description: 'Where the page ends.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'There are more items after this page.' })
  hasNextPage!: boolean

  @Field(() => String, {
    nullable: true,
    description: 'Pass it as `after` to get the next page; null if the page is empty and the last.',
  })
  endCursor!: string | null
}

type OneOrPromised<T> = T | Promise<T>

/** A page in GraphQL's connection form. What counts the whole list is called only if it is selected. */
export interface Connection<T> {
  edges: OneOrPromised<{ cursor: string; node: T }>[]
  nodes: OneOrPromised<T>[]
  pageInfo: PageInfo
  totalCount: number | null | (() => Promise<number>)
  totalCountIsCapped?(): Promise<boolean>
}

const IS_CAPPED = { description: 'The list has more items than `totalCount`.' }

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
    @Field(() => String, { description: 'Pass it as `after` to continue after this item.' })
    cursor!: string

    @Field(() => node(), { description: 'The item.' })
    node!: T
  }

  @ObjectType(`${name}Connection`, SIMPLE)
  class NamedConnection implements Connection<T> {
    @Field(() => [Edge], { description: 'The items with their cursors.' })
    edges!: Connection<T>['edges']

    @Field(() => [node()], { description: 'The items without cursors.' })
    nodes!: Connection<T>['nodes']

    @Field(() => PageInfo, { description: 'Where the page ends.' })
    pageInfo!: PageInfo

    @Field(() => Int, {
      nullable: options.uncounted === true,
      description: options.uncounted
        ? 'Number of items in the whole list.'
        : 'Number of items in the whole list, counted up to 10000.',
    })
    totalCount!: Connection<T>['totalCount']

    totalCountIsCapped?(): Promise<boolean>
  }
  if (!options.uncounted) Field(() => Boolean, IS_CAPPED)(NamedConnection.prototype, 'totalCountIsCapped')
  return NamedConnection
}
