import { bytesToText, textToBytes } from '../../../lib/byte-paths.ts'
import { answering, findBackupToAnswer } from '../answering.ts'

/** One page of the direct entries of a folder in a backup. */
export const backupFilesPlugin = answering(
  'files',
  async ({ namespace, name, path, snapshot = '', ...question }, context) => {
    await using found = await findBackupToAnswer(context, namespace, name)
    return await found.listFiles(
      { path: bytesToText(textToBytes(path)), snapshot, ...question },
      context.signal,
    )
  },
)
