import { z } from 'zod'

/** How many items a page between controller and daemon may have, and how many it has if the request names no limit. */
export const MAX_PAGE_SIZE = 1000
export const DEFAULT_PAGE_SIZE = 500

/** The field `limit` of a request for a page. */
export const pageLimit = makePageLimit(MAX_PAGE_SIZE)

export function makePageLimit(max: number) {
  return z.coerce.number().int().min(1).max(max).default(DEFAULT_PAGE_SIZE)
}
