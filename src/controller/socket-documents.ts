import {
  type DefinitionNode,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
  print,
  type SelectionNode,
  validate,
  visit,
} from 'graphql'
import { findDocumentProblem } from './document-problem.ts'
import type { Fleet } from './document-walk.ts'
import { parseDocument } from './parse-document.ts'

/** A document that was parsed and validated. */
export interface SocketDocument {
  document: DocumentNode
  /** The same for every document that computes the same from an event of a subscription. */
  resultText: string
  /** The variables that the results of a subscription depend on. */
  resultVariables: readonly string[]
}

/** Limits of the documents that are remembered; a parsed one takes up to a hundred times its size in memory. */
const MAX_DOCUMENTS = 200
const MAX_CHARACTERS = 512 * 1024

/** Remembers the documents that were used last: dashboards send the same few again and again. */
export class SocketDocuments {
  readonly #schema: GraphQLSchema
  /** By text; the one used last comes last. */
  readonly #known = new Map<string, SocketDocument>()
  #characters = 0

  constructor(schema: GraphQLSchema) {
    this.#schema = schema
  }

  /** Returns the errors of an invalid document, which is not remembered. The cost of a known one is counted again. */
  prepare(query: string, fleet: Fleet): SocketDocument | readonly GraphQLError[] {
    const known = this.#known.get(query)
    const document = known?.document ?? parseDocument(query)
    if (document instanceof GraphQLError) return [document]
    const costly = findDocumentProblem(this.#schema, document, fleet)
    if (costly) return [costly]
    const prepared = known ?? validateDocument(this.#schema, document)
    if (isDocument(prepared)) this.#remember(query, prepared)
    return prepared
  }

  #remember(query: string, document: SocketDocument): void {
    if (!this.#known.delete(query)) this.#characters += query.length
    this.#known.set(query, document)
    for (const [oldest] of this.#known) {
      if (this.#known.size <= MAX_DOCUMENTS && this.#characters <= MAX_CHARACTERS) return
      this.#known.delete(oldest)
      this.#characters -= oldest.length
    }
  }
}

export function isDocument(prepared: SocketDocument | readonly GraphQLError[]): prepared is SocketDocument {
  return 'document' in prepared
}

function validateDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
): SocketDocument | readonly GraphQLError[] {
  const problems = validate(schema, document)
  if (problems.length > 0) return problems
  const results = { ...document, definitions: document.definitions.map(dropStreamArguments) }
  return { document, resultText: print(results), resultVariables: listVariables(results) }
}

/** The arguments of a subscription's field choose its events; what is computed from an event does not depend on them. */
function dropStreamArguments(definition: DefinitionNode): DefinitionNode {
  if (definition.kind !== Kind.OPERATION_DEFINITION) return definition
  if (definition.operation !== OperationTypeNode.SUBSCRIPTION) return definition
  const selections = definition.selectionSet.selections.map(dropArguments)
  return { ...definition, selectionSet: { ...definition.selectionSet, selections } }
}

function dropArguments(selection: SelectionNode): SelectionNode {
  return selection.kind === Kind.FIELD ? { ...selection, arguments: [] } : selection
}

function listVariables(document: DocumentNode): string[] {
  const names = new Set<string>()
  visit(document, {
    VariableDefinition: () => false,
    Variable: ({ name }) => void names.add(name.value),
  })
  return [...names]
}
