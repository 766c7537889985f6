import { namespacesSchema, unknownObjectsSchema } from '../../wire/daemon-api.ts'
import { parseShape } from '../../wire/json.ts'
import type { Answer, Call, World } from '../http/route.ts'
import { readNamespace } from './names.ts'

/** The servers that have a folder in this daemon's store, dead ones too. */
export async function listNamespaces(_call: Call, world: World): Promise<Answer> {
  const answer = await world.engine.ask('backup_namespaces', {})
  return { status: 200, body: parseShape('The list of namespaces', answer, namespacesSchema) }
}

/** `?namespace=IP`: what there is no part of a backup. */
export async function showUnknown({ fields }: Call, world: World): Promise<Answer> {
  const answer = await world.engine.ask('backup_unknown', { namespace: readNamespace(fields, world.ip) })
  return { status: 200, body: parseShape('The unknown objects', answer, unknownObjectsSchema) }
}
