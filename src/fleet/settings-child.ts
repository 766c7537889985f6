import { readSettings } from './read-settings.ts'
import type { SettingsRequest } from './settings-process.ts'

/** The entry of a process that parses one settings file, and then ends. */
process.once('message', ({ text, file }: SettingsRequest) => {
  process.send?.(readSettings(text, file), () => process.disconnect())
})
