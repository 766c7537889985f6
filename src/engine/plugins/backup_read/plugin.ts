import { bytesToText, textToBytes } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import { READ_ACTION, type ReadArgs, readArgsSchema } from '../../../wire/file-content.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { answeringReader, findBackupToAnswer } from '../answering.ts'
import { makeHead } from './make-head.ts'

/** Hands out the content of one file of a backup. */
export const backupReadPlugin: Plugin<ReadArgs> = {
  name: READ_ACTION,
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The question for a file', raw, readArgsSchema),
  needs: () => [],
  async run({ namespace, name, path, snapshot, range }, context) {
    const { output } = context
    if (!output) throw new BackupdError('BAD_INPUT', `${READ_ACTION} needs somebody who takes the content`)
    await using found = await findBackupToAnswer(context, namespace, name)
    const question = { path: bytesToText(textToBytes(path)), snapshot }
    await using file = await found.openFile(question, answeringReader(context))
    const head = makeHead(file.size, range)
    output.begin(head)
    if (head.span) for await (const piece of file.read(head.span)) await output.write(piece)
    return { state: 'success', reason: '', result: null }
  },
}
