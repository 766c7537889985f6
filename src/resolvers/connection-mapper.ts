// Like mapper.ts, for pages of lists.

import type { ListCount, Slice } from '../wire/listing.ts'
import { inTurns } from './in-turns.ts'
import type { Connection } from './types/connection.ts'

/** A page of a list that nobody has counted. @param first it is the first page, so its count is the total if no page follows */
export function toUncounted<T>(slice: Slice<T>, first: boolean): Connection<T> {
  const { items, hasNextPage } = slice
  return {
    ...toPlainConnection(slice, (item) => item),
    totalCount: first && !hasNextPage ? items.length : null,
  }
}

/** @param count counts the whole list; called at most once, and only if the count is selected */
export function toConnection<T, U>(
  slice: Slice<T>,
  toNode: (node: T) => U,
  count: () => ListCount | Promise<ListCount>,
): Connection<U> {
  let counting: ListCount | Promise<ListCount> | undefined
  const countOnce = () => (counting ??= count())
  return {
    ...toPlainConnection(slice, toNode),
    totalCount: async () => (await countOnce()).count,
    totalCountIsCapped: async () => (await countOnce()).isCapped,
  }
}

function toPlainConnection<T, U>({ items, hasNextPage }: Slice<T>, toNode: (node: T) => U) {
  const edges = items.map(({ cursor, node }) => ({ cursor, node: toNode(node) }))
  return {
    edges: inTurns(edges),
    nodes: inTurns(edges.map(({ node }) => node)),
    pageInfo: { hasNextPage, endCursor: edges.at(-1)?.cursor ?? null },
  }
}
