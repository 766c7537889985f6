import type { z } from 'zod'
import { BackupdError } from '../../lib/errors.ts'
import type { Store } from '../../store/store.ts'
import type { Reader, StoredBackup } from '../../store/stored-backup.ts'
import { parseShape } from '../../wire/json.ts'
import { findQuestion, type QUESTIONS, type QuestionAnswer, type QuestionName } from '../../wire/questions.ts'
import type { Plugin, RunContext } from '../plugin.ts'
import { openRunStore } from './open-run-store.ts'

/** The args of a row as its plugin gets them, with their defaults. */
type ParsedArgs<Name extends QuestionName> = z.infer<(typeof QUESTIONS)[Name]['args']>

/** Makes the plugin of a row of QUESTIONS. */
export function answering<Name extends QuestionName>(
  name: Name,
  answer: (args: ParsedArgs<Name>, context: RunContext) => Promise<QuestionAnswer<Name>>,
): Plugin<ParsedArgs<Name>> {
  const question = findQuestion(name)
  return {
    name: question.action,
    answersAtOnce: true,
    parseArgs: (raw) => parseShape(question.what, raw, question.args) as ParsedArgs<Name>,
    needs: () => [],
    async run(args, context) {
      return { state: 'success', reason: '', result: { ...(await answer(args, context)) } }
    },
  }
}

/** So that an answer within 9 seconds still says what is wrong with the store. */
const PATIENCE_MS = 3000

/** Opens the store for an action that answers at once. Its warnings go to the log, because it has no record. */
export function openToAnswer(context: RunContext): Promise<Store> {
  return openRunStore(context, (message) => context.log('warn', message), { patienceMs: PATIENCE_MS })
}

/** Throws NOT_FOUND. */
export async function findBackupToAnswer(
  context: RunContext,
  namespace: string,
  name: string,
): Promise<StoredBackup> {
  const found = await (await openToAnswer(context)).find(namespace, name)
  if (found) return found
  throw new BackupdError('NOT_FOUND', `There is no backup "${name}" in the namespace ${namespace}`)
}

/** How an action that answers at once reads a backup. Warnings go to the log. */
export function answeringReader({ settings, signal, log }: RunContext): Reader {
  return { dataDir: settings.dataDir, signal, warn: (message) => log('warn', message) }
}
