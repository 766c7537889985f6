import type { z } from 'zod'
import type { DaemonPort } from '../domain/ports.ts'
import {
  findQuestion,
  type Question,
  type QuestionAnswer,
  type QuestionArgs,
  type QuestionName,
} from '../wire/questions.ts'
import { makeForeignNamespaceError } from './daemon-backups.ts'
import type { DaemonHttp, Field } from './daemon-http.ts'
import { askFor, encodeSegment, isMissingRoute } from './daemon-request.ts'
import { fromLegacyFile, legacyFolderSchema } from './legacy-backups.ts'

type Asked<Name extends QuestionName> = { ip: string; args: QuestionArgs<Name> }
type Substitutes = {
  [Name in QuestionName]?: (http: DaemonHttp, asked: Asked<Name>) => Promise<QuestionAnswer<Name>>
}

/** How a legacy daemon, which lacks the routes of the table, answers all the same. */
const LEGACY_SUBSTITUTES: Substitutes = {
  files: listLegacyFolder,
  namespaces: async (_http, { ip }) => ({ namespaces: [ip] }),
}

export function createDaemonQuestions(http: DaemonHttp): Pick<DaemonPort, 'ask'> {
  return {
    async ask(ip, question, args) {
      try {
        return await askRow(http, { ip, args }, findQuestion(question))
      } catch (error) {
        const substitute = isMissingRoute(error) ? LEGACY_SUBSTITUTES[question] : undefined
        if (!substitute) throw error
        return await substitute(http, { ip, args })
      }
    },
  }
}

function askRow<Name extends QuestionName>(
  http: DaemonHttp,
  { ip, args }: Asked<Name>,
  question: Question<z.ZodObject, QuestionAnswer<Name>>,
): Promise<QuestionAnswer<Name>> {
  const { name = '', ...fields } = args as { name?: string } & Record<string, Field | null | undefined>
  const { method, answer: schema } = question
  const path = question.path.replace(':name', () => encodeSegment(name))
  const given: Record<string, Field> = {}
  for (const key of Object.keys(question.args.shape)) {
    const value = fields[key]
    if (value != null) given[key] = value
  }
  return askFor(http, ip, { method, path, schema, [method === 'GET' ? 'query' : 'form']: given })
}

/** A legacy daemon lists each folder of an increment completely. */
async function listLegacyFolder(
  http: DaemonHttp,
  { ip, args: { namespace, name, path, after, limit } }: Asked<'files'>,
): Promise<QuestionAnswer<'files'>> {
  if (namespace !== ip) throw makeForeignNamespaceError(ip, namespace, 'lists')
  const folder = [name, ...path.split('/')]
    .filter((part) => part !== '')
    .map(encodeSegment)
    .join('/')
  const entries = await askFor(http, ip, {
    method: 'GET',
    path: `/api/v1/backup/filelist/dir/${folder}`,
    schema: legacyFolderSchema,
  })
  const all = entries.good
    .map((entry) => fromLegacyFile(path, entry))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  const rest = after === null ? all : all.filter((file) => file.path > after)
  const files = rest.slice(0, limit)
  return { files, next: rest.length > limit ? (files.at(-1)?.path ?? null) : null }
}
