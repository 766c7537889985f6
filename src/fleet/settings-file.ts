import { resolve } from 'node:path'
import type { SettingsSource } from '../domain/notify-ports.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { SettingsNews } from '../wire/settings.ts'
import { watchFile } from './file-watch.ts'
import { readSettings } from './read-settings.ts'
import { readText } from './read-text.ts'

const MAX_FILE_BYTES = 256 * 1024

/** Settings in a watched file. If an edit breaks it, that is reported and the last good settings stay. */
export function createSettingsFile({ file, log }: { file: string; log: Log }): SettingsSource {
  const path = resolve(file)
  return {
    async watch(onNews) {
      const first = await readNews(path)
      if (first.kind === 'broken') throw new BackupdError('BAD_INPUT', first.problem)
      onNews(first)
      const readAgain = async () => onNews(await readNews(path))
      const watching = await watchFile(path, { onChange: readAgain, log })
      // It may have changed before it was watched.
      await readAgain()
      const reread = async () => {
        await watching.renew()
        await readAgain()
      }
      return { reread, close: () => watching.close() }
    },
  }
}

async function readNews(path: string): Promise<SettingsNews> {
  try {
    return readSettings(await readText(path, { what: 'settings', maxBytes: MAX_FILE_BYTES }), path)
  } catch (error) {
    return { kind: 'broken', problem: messageOf(error) }
  }
}
