import { fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SettingsNews } from '../wire/settings.ts'

export interface SettingsRequest {
  text: string
  /** Appears in problems. */
  file: string
}

/** A text that is made to take long has to end some time. */
const TIMEOUT_MS = 60_000

/** Parses in a process of its own, because a text of 256 KiB can take seconds if it is nested, or has many aliases. */
export async function readSettingsInProcess(text: string, file: string): Promise<SettingsNews> {
  const entry = fileURLToPath(new URL(`./settings-child${extname(import.meta.url)}`, import.meta.url))
  const child = fork(entry, [], {
    ...{ execArgv: [], serialization: 'advanced', killSignal: 'SIGKILL', timeout: TIMEOUT_MS },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const received: SettingsNews[] = []
  child.on('message', (news: SettingsNews) => received.push(news))
  const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  // An error is ignored, because the exit of the process tells the reason.
  child.send({ text, file } satisfies SettingsRequest, () => {})
  const [[code, endedBy]] = await ended
  const [news] = received
  if (news) return news
  const why = `the process that read them ended without a result (${endedBy ?? `exit code ${code}`})`
  return { kind: 'broken', problem: `The settings ${file} cannot be used: ${why}` }
}
