import type { z } from 'zod'
import { bytesToText, textToBytes } from '../../../lib/byte-paths.ts'
import { parseShape } from '../../../wire/json.ts'
import { QUESTIONS } from '../../../wire/questions.ts'
import type { Plugin } from '../../plugin.ts'
import { findBackupToAnswer } from '../answering.ts'

const QUESTION = QUESTIONS.files
type FilesArgs = z.infer<typeof QUESTION.args>

/** One page of the direct entries of a folder in a backup, as wire filePageSchema. */
export const backupFilesPlugin: Plugin<FilesArgs> = {
  name: QUESTION.action,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape(QUESTION.what, raw, QUESTION.args),
  needs: () => [],
  async run({ namespace, name, path, snapshot = '', ...question }, context) {
    await using found = await findBackupToAnswer(context, namespace, name)
    const page = await found.listFiles(
      { path: bytesToText(textToBytes(path)), snapshot, ...question },
      context.signal,
    )
    return { state: 'success', reason: '', result: { ...page } }
  },
}
