import type { DaemonPort } from '../domain/ports.ts'
import { QUESTIONS } from '../wire/questions.ts'
import type { DaemonHttp } from './daemon-http.ts'
import { askQuestion, isMissingRoute } from './daemon-question.ts'

export function createDaemonNamespaces(http: DaemonHttp): Pick<DaemonPort, 'namespaces' | 'unknown'> {
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
