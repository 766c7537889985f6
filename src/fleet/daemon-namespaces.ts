import type { UnknownObjects } from '../wire/daemon-api.ts'
import { QUESTIONS } from '../wire/questions.ts'
import type { DaemonHttp } from './daemon-http.ts'
import { askQuestion, isMissingRoute } from './daemon-question.ts'

export interface DaemonNamespaces {
  /** The servers that have a folder in its store; for a legacy daemon only its own. */
  namespaces(ip: string): Promise<string[]>
  /** Objects of the namespace that belong to no backup; undefined if the daemon cannot list them. */
  unknown(ip: string, namespace: string): Promise<UnknownObjects | undefined>
}

export function createDaemonNamespaces(http: DaemonHttp): DaemonNamespaces {
  return {
    async namespaces(ip) {
      const asked = { question: QUESTIONS.namespaces, args: {} }
      return (await undefinedIfUnsupported(() => askQuestion(http, ip, asked)))?.namespaces ?? [ip]
    },
    unknown(ip, namespace) {
      return undefinedIfUnsupported(() =>
        askQuestion(http, ip, { question: QUESTIONS.unknown, args: { namespace } }),
      )
    },
  }
}

async function undefinedIfUnsupported<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (isMissingRoute(error)) return undefined
    throw error
  }
}
