import { type FieldNode, Kind, type ValueNode } from 'graphql'
import type { ListFilter } from './list-costs.ts'

/** The variables of a request, not checked yet. */
export type Variables = Readonly<Record<string, unknown>>

/** The variables that came with a document; over GET they are JSON. What cannot be read counts as none. */
export function readVariables(sent: unknown): Variables {
  const value = typeof sent === 'string' ? parseJson(sent) : sent
  return typeof value === 'object' && value !== null ? (value as Variables) : {}
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The app, the server and the number that narrow a list, given on the field itself or in its filter. Empty if in doubt. */
export function readListFilter({ arguments: given }: FieldNode, variables: Variables): ListFilter {
  const filter = given?.find(({ name }) => name.value === 'filter')?.value
  const read = (name: string) => {
    const own = given?.find((argument) => argument.name.value === name)?.value
    return toId(own ? toValue(own, variables) : readProperty(filter, name, variables))
  }
  return { app: read('app'), server: read('server'), n: read('n') }
}

function readProperty(filter: ValueNode | undefined, name: string, variables: Variables): unknown {
  if (filter?.kind === Kind.OBJECT) {
    const field = filter.fields.find((each) => each.name.value === name)
    return field && toValue(field.value, variables)
  }
  const value = filter && toValue(filter, variables)
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Variables)[name]
    : undefined
}

/** Only what an id can be; of a list or an object, nothing. */
function toValue(node: ValueNode, variables: Variables): unknown {
  if (node.kind === Kind.VARIABLE) return variables[node.name.value]
  return node.kind === Kind.STRING || node.kind === Kind.INT ? node.value : undefined
}

function toId(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}
