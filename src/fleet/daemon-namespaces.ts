import { namespacesSchema, type UnknownObjects, unknownObjectsSchema } from '../wire/daemon-api.ts'
import type { DaemonHttp } from './daemon-http.ts'
import { askFor, isMissingRoute } from './daemon-question.ts'

export interface DaemonNamespaces {
  /** The servers that have a folder in its store; of an original only its own is known. */
  namespaces(ip: string): Promise<string[]>
  /** What in that folder is no part of a backup; undefined where the daemon cannot tell. */
  unknown(ip: string, namespace: string): Promise<UnknownObjects | undefined>
}

const BACKUP = '/api/v1/backup'

export function createDaemonNamespaces(http: DaemonHttp): DaemonNamespaces {
  return {
    async namespaces(ip) {
      const question = { method: 'GET', path: `${BACKUP}/namespaces`, schema: namespacesSchema } as const
      return (await ifItKnows(() => askFor(http, ip, question)))?.namespaces ?? [ip]
    },
    unknown(ip, namespace) {
      const [path, query, schema] = [`${BACKUP}/unknown`, { namespace }, unknownObjectsSchema] as const
      return ifItKnows(() => askFor(http, ip, { method: 'GET', path, query, schema }))
    },
  }
}

async function ifItKnows<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (isMissingRoute(error)) return undefined
    throw error
  }
}
