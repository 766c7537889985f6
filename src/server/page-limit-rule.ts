import {
  type FieldNode,
  GraphQLError,
  type GraphQLOutputType,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'

/** What a page holds where the document leaves its size to a variable. */
const PAGE_BY_VARIABLE = 500

interface Place {
  /** Types of the lists this place is in. */
  lists: readonly string[]
  /** How often this place is answered at most, as far as pages tell. */
  nodes: number
  fragments: readonly string[]
}

/**
 * Refuses what multiplies: a list of a type inside a list of the same type (jobs of servers of jobs), and pages
 * within pages of more than `maxNodes` nodes.
 */
export function pageLimitRule(maxNodes: number): ValidationRule {
  return (context) => ({
    OperationDefinition(operation) {
      const root = context.getSchema().getRootType(operation.operation)
      if (!root) return
      const problem = walk(context, operation.selectionSet, root, { lists: [], nodes: 1, fragments: [] })
      if (problem)
        context.reportError(
          new GraphQLError(problem, { nodes: operation, extensions: { code: 'TOO_COSTLY' } }),
        )
    },
  })

  function walk(
    context: ValidationContext,
    set: SelectionSetNode,
    type: GraphQLOutputType,
    place: Place,
  ): string | undefined {
    for (const selection of set.selections) {
      const problem =
        selection.kind === Kind.FIELD
          ? walkField(context, selection, type, place)
          : selection.kind === Kind.INLINE_FRAGMENT
            ? walk(context, selection.selectionSet, type, place)
            : walkSpread(context, selection.name.value, type, place)
      if (problem) return problem
    }
    return undefined
  }

  function walkSpread(
    context: ValidationContext,
    name: string,
    type: GraphQLOutputType,
    place: Place,
  ): string | undefined {
    const fragment = context.getFragment(name)
    if (!fragment || place.fragments.includes(name)) return undefined
    return walk(context, fragment.selectionSet, type, { ...place, fragments: [...place.fragments, name] })
  }

  function walkField(
    context: ValidationContext,
    field: FieldNode,
    parent: GraphQLOutputType,
    place: Place,
  ): string | undefined {
    const named = getNamedType(parent)
    const definition = isObjectType(named) ? named.getFields()[field.name.value] : undefined
    if (!definition || !field.selectionSet) return undefined
    const type = getNamedType(definition.type).name
    const nodes = place.nodes * pageSize(field, definition.args)
    if (nodes > maxNodes)
      return `"${field.name.value}" asks for up to ${nodes} nodes, pages within pages; ${maxNodes} are allowed: ask for smaller pages`
    if (!isList(definition.type))
      return walk(context, field.selectionSet, definition.type, { ...place, nodes })
    if (place.lists.includes(type))
      return `"${field.name.value}" asks for a list of ${type} inside a list of ${type}: ask for it by itself`
    return walk(context, field.selectionSet, definition.type, {
      ...place,
      nodes,
      lists: [...place.lists, type],
    })
  }
}

function pageSize(field: FieldNode, args: readonly { name: string; defaultValue?: unknown }[]): number {
  const first = args.find(({ name }) => name === 'first')
  if (!first) return 1
  const given = field.arguments?.find(({ name }) => name.value === 'first')?.value
  if (!given) return Number(first.defaultValue ?? 1)
  return given.kind === Kind.INT ? Number(given.value) : PAGE_BY_VARIABLE
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type)
}
