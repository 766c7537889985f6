import {
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
} from 'graphql'
import { DOCUMENT_LIMITS, DocumentWalk, type Fleet } from './document-walk.ts'

/**
 * Why a document must not be executed, or undefined. Call it before GraphQL's own validation, one rule of which takes
 * quadratic time for repeated fields. This check takes linear time and stops at the limit of selections.
 */
export function findDocumentProblem(
  schema: GraphQLSchema,
  document: DocumentNode,
  fleet: Fleet,
): GraphQLError | undefined {
  try {
    walkDocument(schema, document, fleet)
    return undefined
  } catch (error) {
    if (error instanceof GraphQLError) return error
    throw error
  }
}

function walkDocument(schema: GraphQLSchema, { definitions }: DocumentNode, fleet: Fleet): void {
  const fragments = definitions.filter(isFragment)
  if (fragments.length > DOCUMENT_LIMITS.fragments) {
    throw new GraphQLError(
      `The document has ${fragments.length} fragments, ${DOCUMENT_LIMITS.fragments} are allowed: ask for less at once`,
      { extensions: { code: 'TOO_COSTLY' } },
    )
  }
  const walk = new DocumentWalk(schema, fragments, fleet)
  for (const operation of definitions.filter(isOperation)) walk.operation(operation)
  for (const fragment of fragments) walk.unusedFragment(fragment)
}

function isFragment(definition: DefinitionNode): definition is FragmentDefinitionNode {
  return definition.kind === Kind.FRAGMENT_DEFINITION
}

function isOperation(definition: DefinitionNode): definition is OperationDefinitionNode {
  return definition.kind === Kind.OPERATION_DEFINITION
}
