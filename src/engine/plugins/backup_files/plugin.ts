import { z } from 'zod'
import { bytesToText, textToBytes } from '../../../lib/byte-paths.ts'
import { MOST_FILES } from '../../../wire/daemon-api.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { findBackup } from '../answering.ts'

const filesArgsSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  path: z.string().default(''),
  /** Of an increment; the newest one if empty. */
  snapshot: z.string().default(''),
  after: z.string().default(''),
  limit: z.coerce.number().int().min(1).max(MOST_FILES).default(100),
})
type FilesArgs = z.infer<typeof filesArgsSchema>

/** One page of the direct entries of a folder in a backup, as wire filePageSchema. */
export const backupFilesPlugin: Plugin<FilesArgs> = {
  name: 'backup_files',
  answersAtOnce: true,
  parseArgs: (raw) => parseShape('The question for files of a backup', raw, filesArgsSchema),
  needs: () => [],
  async run({ namespace, name, path, ...question }, context) {
    await using found = await findBackup(context, namespace, name)
    const page = await found.listFiles({ path: bytesToText(textToBytes(path)), ...question }, context.signal)
    return { state: 'success', reason: '', result: { ...page } }
  },
}
