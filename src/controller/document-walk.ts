import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql'
import type { ListSizes } from '../domain/list-sizes.ts'
import { FIELD_COSTS, PLAIN_LISTS } from './list-costs.ts'
import { readListFilter, type Variables } from './list-filter.ts'

/** Limits of one document. All is counted as it will be executed: a fragment counts at each place that uses it. */
export const DOCUMENT_LIMITS = {
  /** Definitions of fragments. */
  fragments: 100,
  /** Fields, spreads and inline fragments of the whole document. */
  selections: 2000,
  depth: 12,
  aliases: 30,
  directives: 50,
  /** The same name at one place of the answer: the rule that merges fields compares all pairs. */
  repeats: 50,
  /** Nodes of a page, multiplied by those of the pages inside. */
  nodes: 5000,
  /** Fields, multiplied by the nodes that they are requested for and by FIELD_COSTS. */
  values: 50_000,
}

/** The assumed size of a page whose size is a variable. */
const PAGE_BY_VARIABLE = 500

/** A place in the answer, with the names requested there. */
class AnswerPlace {
  readonly names = new Map<string, { times: number; below: AnswerPlace }>()
}

interface WalkPlace {
  answer: AnswerPlace
  /** Undefined below an unknown field, which GraphQL's own rules refuse. */
  type: GraphQLNamedType | undefined
  /** -Infinity in introspection, whose depth GraphQL limits itself. */
  depth: number
  /** Types of the lists that contain this place. */
  lists: readonly string[]
  /** Upper bound of how often this place is answered, from the page sizes and the present sizes of lists. */
  nodes: number
  /** No object is answered here twice, so a list below has at most all the items that there are. */
  distinct: boolean
  /** The outermost list without pages that contains this place, and how many items it leads to. */
  plain: { name: string; length: number; instead: string | undefined } | undefined
  /** Fragments on the path to this place. */
  inside: readonly string[]
}

/** Counts what a document requests; throws the GraphQLError of the first exceeded limit. */
export class DocumentWalk {
  readonly #schema: GraphQLSchema
  readonly #sizes: ListSizes
  readonly #given: Variables
  #variables: Variables = {}
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #used = new Set<string>()
  #selections = 0
  #counts = { aliases: 0, directives: 0, values: 0 }

  constructor(schema: GraphQLSchema, fragments: readonly FragmentDefinitionNode[], fleet: Fleet) {
    this.#schema = schema
    this.#sizes = fleet.sizes
    this.#given = fleet.variables
    this.#fragments = new Map(fragments.map((fragment) => [fragment.name.value, fragment]))
  }

  operation({ operation, selectionSet, directives, variableDefinitions }: OperationDefinitionNode): void {
    this.#variables = withDefaults(this.#given, variableDefinitions)
    this.#begin(this.#schema.getRootType(operation) ?? undefined, selectionSet, directives)
  }

  /** Counts an unused fragment too, because GraphQL's rules still check it. */
  unusedFragment({ name, typeCondition, selectionSet }: FragmentDefinitionNode): void {
    if (this.#used.has(name.value)) return
    this.#begin(this.#schema.getType(typeCondition.name.value), selectionSet, [])
  }

  #begin(type: GraphQLNamedType | undefined, set: SelectionSetNode, directives: Directives): void {
    this.#counts = { aliases: 0, directives: 0, values: 0 }
    this.#countDirectives(directives)
    const start = { depth: 0, lists: [], nodes: 1, distinct: true, plain: undefined, inside: [] }
    this.#walk(set, { answer: new AnswerPlace(), type, ...start })
  }

  #walk(set: SelectionSetNode, place: WalkPlace): void {
    for (const selection of set.selections) {
      if (++this.#selections > DOCUMENT_LIMITS.selections)
        throw tooMany('fields and fragments, each counted in every place', DOCUMENT_LIMITS.selections)
      this.#countDirectives(selection.directives)
      this.#select(selection, place)
    }
  }

  #select(selection: SelectionNode, place: WalkPlace): void {
    if (selection.kind === Kind.FIELD) this.#field(selection, place)
    else if (selection.kind === Kind.FRAGMENT_SPREAD) this.#spread(selection.name.value, place)
    else this.#walk(selection.selectionSet, this.#narrowed(place, selection.typeCondition?.name.value))
  }

  #spread(name: string, place: WalkPlace): void {
    const fragment = this.#fragments.get(name)
    this.#used.add(name)
    // GraphQL's own rules refuse cycles.
    if (!fragment || place.inside.includes(name)) return
    const narrowed = this.#narrowed(place, fragment.typeCondition.name.value)
    this.#walk(fragment.selectionSet, { ...narrowed, inside: [...place.inside, name] })
  }

  #narrowed(place: WalkPlace, condition: string | undefined): WalkPlace {
    return condition === undefined ? place : { ...place, type: this.#schema.getType(condition) }
  }

  #field(field: FieldNode, place: WalkPlace): void {
    this.#countField(field, place)
    const below = this.#answerBelow(field, place)
    if (field.selectionSet) this.#walk(field.selectionSet, this.#placeBelow(field, place, below))
  }

  #countField({ alias, name }: FieldNode, { depth, nodes, type, plain }: WalkPlace): void {
    if (depth + 1 > DOCUMENT_LIMITS.depth) throw limit('Depth', DOCUMENT_LIMITS.depth, 'ask for fewer levels')
    if (alias && name.value !== '__typename' && ++this.#counts.aliases > DOCUMENT_LIMITS.aliases)
      throw limit('Aliases', DOCUMENT_LIMITS.aliases, 'ask for less at once')
    this.#counts.values += nodes * (FIELD_COSTS[`${type?.name}.${name.value}`] ?? 1)
    if (this.#counts.values > DOCUMENT_LIMITS.values)
      throw limit('Cost', DOCUMENT_LIMITS.values, plain ? describeInstead(plain) : SMALLER)
  }

  #answerBelow({ alias, name }: FieldNode, { answer }: WalkPlace): AnswerPlace {
    const key = (alias ?? name).value
    const known = answer.names.get(key)
    if (!known) {
      const below = new AnswerPlace()
      answer.names.set(key, { times: 1, below })
      return below
    }
    known.times += 1
    if (known.times > DOCUMENT_LIMITS.repeats)
      throw tooMany(`times "${key}" in one place`, DOCUMENT_LIMITS.repeats)
    return known.below
  }

  #placeBelow(field: FieldNode, place: WalkPlace, answer: AnswerPlace): WalkPlace {
    const definition = this.#definition(field.name.value, place.type)
    const isSchema = field.name.value === '__schema'
    const depth = isSchema ? Number.NEGATIVE_INFINITY : place.depth + 1
    if (!definition)
      return { ...place, answer, depth, type: isSchema ? this.#schema.getType('__Schema') : undefined }
    const type = getNamedType(definition.type)
    const lists = listsBelow(field, definition, place)
    return { ...place, answer, depth, type, lists, ...this.#countNodes(field, definition, place) }
  }

  #countNodes(
    field: FieldNode,
    definition: GraphQLField<unknown, unknown>,
    place: WalkPlace,
  ): Pick<WalkPlace, 'nodes' | 'distinct' | 'plain'> {
    const name = field.name.value
    const list = PLAIN_LISTS[`${place.type?.name}.${name}`]
    if (!list) {
      const nodes = place.nodes * pageSize(field, definition)
      if (nodes > DOCUMENT_LIMITS.nodes && nodes > place.nodes) throw pagesWithinPages(field, nodes)
      return { nodes, plain: place.plain, distinct: place.distinct && (nodes <= 1 || isPart(definition)) }
    }
    const { all, most } = list.size(this.#sizes, readListFilter(field, this.#variables))
    const product = place.nodes * most
    const nodes = Math.max(1, place.distinct ? Math.min(product, all) : product)
    return {
      nodes,
      plain: { ...(place.plain ?? { name, instead: list.instead }), length: nodes },
      distinct: place.distinct,
    }
  }

  #definition(name: string, type: GraphQLNamedType | undefined): GraphQLField<unknown, unknown> | undefined {
    return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined
  }

  #countDirectives(directives: Directives): void {
    this.#counts.directives += directives?.length ?? 0
    if (this.#counts.directives > DOCUMENT_LIMITS.directives)
      throw limit('Directives', DOCUMENT_LIMITS.directives, 'ask for less at once')
  }
}

/** What the costs of a document depend on besides its text. */
export interface Fleet {
  sizes: ListSizes
  variables: Variables
}

const SMALLER = 'ask for smaller pages or fewer fields'

function describeInstead({ name, length, instead }: NonNullable<WalkPlace['plain']>): string {
  if (instead === undefined) return SMALLER
  return `"${name}" leads to up to ${length} items at once. Ask for pages of "${instead}", or for fewer fields`
}

function withDefaults(
  given: Variables,
  definitions: OperationDefinitionNode['variableDefinitions'] = [],
): Variables {
  const missing = definitions.filter(({ variable }) => given[variable.name.value] === undefined)
  return {
    ...given,
    ...Object.fromEntries(
      missing.flatMap(({ variable, defaultValue }) =>
        defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
      ),
    ),
  }
}

/** Whether a field leads to its items one by one: a connection and its parts. Other fields may answer one object often. */
function isPart({ type }: GraphQLField<unknown, unknown>): boolean {
  const list = isNonNullType(type) ? type.ofType : type
  return isListType(list) || /(Connection|Edge)$/.test(getNamedType(type).name)
}

type Directives = readonly DirectiveNode[] | undefined

/** Refuses a list of a type inside a list of the same type (jobs of servers of jobs), except in introspection. */
function listsBelow(
  field: FieldNode,
  { type }: GraphQLField<unknown, unknown>,
  { lists, depth }: WalkPlace,
): readonly string[] {
  const isList = isListType(isNonNullType(type) ? type.ofType : type)
  if (!isList || depth === Number.NEGATIVE_INFINITY) return lists
  const name = getNamedType(type).name
  if (lists.includes(name))
    throw refusal(
      `"${field.name.value}" asks for a list of ${name} inside a list of ${name}: ask for it on its own`,
    )
  return [...lists, name]
}

function pageSize(field: FieldNode, { args }: GraphQLField<unknown, unknown>): number {
  const first = args.find(({ name }) => name === 'first')
  if (!first) return 1
  const given = field.arguments?.find(({ name }) => name.value === 'first')?.value
  if (!given) return Number(first.defaultValue ?? 1)
  return given.kind === Kind.INT ? Math.max(1, Number(given.value)) : PAGE_BY_VARIABLE
}

function pagesWithinPages(field: FieldNode, nodes: number): GraphQLError {
  return refusal(
    `"${field.name.value}" asks for up to ${nodes} nodes, pages within pages; ${DOCUMENT_LIMITS.nodes} are allowed: ask for smaller pages`,
  )
}

function tooMany(what: string, most: number): GraphQLError {
  return refusal(`The document asks for more than ${most} ${what}: ask for less at once`)
}

function limit(what: string, most: number, action: string): GraphQLError {
  return refusal(`${what} limit of ${most} exceeded: ${action}`)
}

function refusal(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'TOO_COSTLY' } })
}
