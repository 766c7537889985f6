import { z } from 'zod'
import { BackupdError } from '../../../lib/errors.ts'
import { fileInfoOf, readIndex } from '../../../storage/archive/index-format.ts'
import type { ObjectReader } from '../../../storage/driver.ts'
import { openStore } from '../../../storage/store/store.ts'
import type { FileInfo } from '../../../wire/backup.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin } from '../../plugin.ts'
import { archiveEntries } from './archive-entries.ts'
import { listFolder } from './list-folder.ts'

const filesArgsSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  path: z.string().default(''),
  after: z.string().default(''),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})
type FilesArgs = z.infer<typeof filesArgsSchema>

/**
 * One page of what lies directly in a folder of a backup, as wire filePageSchema: by the index beside the archive,
 * or, where that is missing or damaged, by reading the archive in order.
 */
export const backupFilesPlugin: Plugin<FilesArgs> = {
  name: 'backup_files',
  query: true,
  parseArgs: (raw) => parseShape('The question for files of a backup', raw, filesArgsSchema),
  needs: () => [],
  async run({ namespace, name, path, after, limit }, { settings, clock, log, signal }) {
    const store = await openStore(settings.store, settings, clock, {
      warn: (message) => log('warn', message),
    })
    const found = await store.find(namespace, name)
    if (!found)
      throw new BackupdError('NOT_FOUND', `There is no backup "${name}" in the namespace ${namespace}`)
    if (found.info.mode === 'increment') throw notYet(name)
    const index = await found.openIndex()
    await using source = index ?? (await found.openObject())
    const entries = index ? indexEntries(index) : archiveEntries(source, signal)
    return { state: 'success', reason: '', result: await listFolder(entries, { path, after, limit }) }
  },
}

async function* indexEntries(index: ObjectReader): AsyncGenerator<FileInfo> {
  for await (const line of readIndex(index)) if (line.kind === 'entry') yield fileInfoOf(line)
}

function notYet(name: string): BackupdError {
  const what = `Cannot list the files of "${name}": it is a series of the recorded system`
  return new BackupdError('BAD_INPUT', `${what}, which can only be found and shown here`)
}
