import { resolve } from 'node:path'
import type { SettingsSource } from '../domain/notify-ports.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { SettingsNews } from '../wire/settings.ts'
import { watchFile } from './file-watch.ts'
import { readSettings } from './read-settings.ts'
import { readText } from './read-text.ts'
import { readSettingsInProcess } from './settings-process.ts'

const MAX_FILE_BYTES = 256 * 1024
/** Characters: longer texts, and deep ones, would hold the event loop. */
const MAX_INLINE_LENGTH = 4096

/** Settings in a watched file. If an edit breaks it, that is reported and the last good settings stay. */
export function createSettingsFile({ file, log }: { file: string; log: Log }): SettingsSource {
  const path = resolve(file)
  return {
    async watch(onNews) {
      const first = await readSettingsFile(path)
      if (first.kind === 'broken') throw new BackupdError('BAD_INPUT', first.problem)
      onNews(first)
      let reading = Promise.resolve()
      // One after the other, so that the last one is in force.
      const readAgain = () => {
        reading = reading.then(async () => onNews(await readSettingsFile(path)))
        return reading
      }
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

/** Reads the file as it is now; what is wrong with it is in the news. */
export async function readSettingsFile(path: string): Promise<SettingsNews> {
  try {
    const text = await readText(path, { what: 'settings', maxBytes: MAX_FILE_BYTES })
    return await (text.length > MAX_INLINE_LENGTH ? readSettingsInProcess : readSettings)(text, path)
  } catch (error) {
    return { kind: 'broken', problem: messageOf(error) }
  }
}
