import { z } from 'zod'
import { fileInfoOf, readIndex } from '../../../archive/index-format.ts'
import { bytesToText, textToBytes } from '../../../lib/byte-paths.ts'
import { BackupdError } from '../../../lib/errors.ts'
import type { ObjectReader } from '../../../objects/driver.ts'
import { listMirror } from '../../../store/kinds/mirror/list-mirror.ts'
import { openStore } from '../../../store/open-store.ts'
import type { FileInfo } from '../../../wire/backup.ts'
import { type FilePage, MOST_FILES } from '../../../wire/daemon-api.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin, RunOutcome } from '../../plugin.ts'
import { archiveEntries } from './archive-entries.ts'
import { listFolder } from './list-folder.ts'
import { seriesPage } from './series-page.ts'

const filesArgsSchema = z.object({
  namespace: z.string(),
  name: z.string(),
  path: z.string().default(''),
  /** Of an increment; the newest one where none is named. */
  snapshot: z.string().default(''),
  after: z.string().default(''),
  limit: z.coerce.number().int().min(1).max(MOST_FILES).default(100),
})
type FilesArgs = z.infer<typeof filesArgsSchema>

/**
 * One page of what lies directly in a folder of a backup, as wire filePageSchema: by the index beside the archive,
 * or, where that is missing or damaged, by reading the archive in order. A mirror is read as it lies there.
 */
export const backupFilesPlugin: Plugin<FilesArgs> = {
  name: 'backup_files',
  query: true,
  parseArgs: (raw) => parseShape('The question for files of a backup', raw, filesArgsSchema),
  needs: () => [],
  async run({ namespace, name, path, snapshot, after, limit }, { settings, clock, log, signal }) {
    const store = await openStore(settings.store, settings, clock, {
      warn: (message) => log('warn', message),
    })
    const page = await seriesPage(store, { namespace, name, snapshot, path, after, limit })
    if (page) return { state: 'success', reason: '', result: page }
    const found = await store.find(namespace, name)
    if (!found)
      throw new BackupdError('NOT_FOUND', `There is no backup "${name}" in the namespace ${namespace}`)
    const question = { path: bytesToText(textToBytes(path)), after, limit }
    if (found.mirror) return answer(await found.mirror.withFolder((mirror) => listMirror(mirror, question)))
    const index = await found.openIndex()
    await using source = index ?? (await found.openObject())
    const entries = index ? indexEntries(index) : archiveEntries(source, signal)
    return answer(await listFolder(entries, question))
  },
}

function answer(page: FilePage): RunOutcome {
  return { state: 'success', reason: '', result: { ...page } }
}

async function* indexEntries(index: ObjectReader): AsyncGenerator<FileInfo> {
  for await (const line of readIndex(index)) if (line.kind === 'entry') yield fileInfoOf(line)
}
