import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { Execute } from '../client/execute.ts'
import type { Fields } from './fields.ts'
import { type Refusals, refusalOf } from './refusal.ts'
import type { Reply } from './reply.ts'

/** One request, as a row reads it. */
export interface Call {
  /** Decoded path parameters; `*` is what a pattern's star stands for. */
  params: Readonly<Record<string, string>>
  fields: Fields
  /** Unix ms. */
  now: number
}

/** One old URL: the GraphQL document behind it, how its arguments are read, how its answer becomes legacy JSON. */
export interface Row<R, V extends object> {
  method: 'GET' | 'POST' | 'PUT'
  /** With `?name=value` at its end it stands for requests that say so; such a row comes before the one without. */
  path: string
  document: TypedDocumentNode<R, V>
  /** What the document asks for. Throws BAD_INPUT. */
  ask(call: Call): V
  /** Of a list that comes by pages, what to ask for next; undefined where that was enough. */
  more?(pages: Pages<R>, call: Call): V | undefined
  answer(pages: Pages<R>, call: Call): Reply
  refused?: Refusals
}

export type Pages<R> = readonly [R, ...R[]]

/** A row that forgot its types, as the table holds it. */
export interface Route {
  method: 'GET' | 'POST' | 'PUT'
  path: string
  /** Name of the GraphQL operation. */
  operation: string
  /** Never rejects with a refusal: that is a reply. */
  reply(call: Call, execute: Execute): Promise<Reply>
}

export function row<R, V extends object>(table: Row<R, V>): Route {
  const { method, path, document } = table
  return {
    method,
    path,
    operation: operationOf(document),
    async reply(call, execute) {
      try {
        return table.answer(await gather(table, call, execute), call)
      } catch (error) {
        return refusalOf(error, table.refused)
      }
    },
  }
}

async function gather<R, V extends object>(
  { document, ask, more }: Row<R, V>,
  call: Call,
  execute: Execute,
): Promise<Pages<R>> {
  const pages: [R, ...R[]] = [await execute(document, ask(call))]
  for (let next = more?.(pages, call); next; next = more?.(pages, call)) {
    pages.push(await execute(document, next))
  }
  return pages
}

function operationOf({ definitions }: Pick<TypedDocumentNode, 'definitions'>): string {
  const operation = definitions.find(({ kind }) => kind === 'OperationDefinition')
  return operation && 'name' in operation ? (operation.name?.value ?? '') : ''
}
