import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'

export interface DocumentOptions {
  schema: GraphQLSchema
  /** `Type.field` that are left out. */
  without: ReadonlySet<string>
  /** The arguments of a `Type.field`: `(id: "x")`. */
  given: Readonly<Record<string, string>>
  /** Called with each `Type.field` that is asked for. */
  onField?(name: string): void
}

/** Everything that can be asked of a type: each field, and of what it leads to again each, but no type within itself. */
export function selectAll(
  type: GraphQLNamedType,
  options: DocumentOptions,
  above: readonly string[] = [],
): string {
  if (!isObjectType(type)) return ''
  const parts = Object.values(type.getFields()).flatMap((field) =>
    selectField(type.name, field, options, above),
  )
  return `{ ${parts.join(' ')} }`
}

function selectField(
  type: string,
  field: GraphQLField<unknown, unknown>,
  options: DocumentOptions,
  above: readonly string[],
): string[] {
  const name = `${type}.${field.name}`
  const [target, args] = [getNamedType(field.type), options.given[name] ?? '']
  if (options.without.has(name) || above.includes(target.name)) return []
  if (args === '' && field.args.some(isRequiredArgument)) return []
  options.onField?.(name)
  return [`${field.name}${args} ${selectAll(target, options, [...above, type])}`]
}
