import { fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AppPart, InventoryParts } from './inventory-parts.ts'
import type { InventoryText } from './read-inventory.ts'

export interface InventoryRequest {
  /** A file, or a document of lainlet. */
  text: InventoryText | { document: string }
  /** Hashes of the apps that need not be sent again. */
  known: string[]
}

/**
 * The apps come some at a time, so that receiving them does not hold the event loop; the rest comes last, without. The
 * pieces of a large app come as several parts.
 */
export type InventoryMessage = { apps: AppPart[] } | { parts: InventoryParts } | { failed: string }

/** Characters. Longer texts are parsed in a process, because YAML takes about 1 ms per thousand. */
export const MAX_INLINE_LENGTH = 16 * 1024

/**
 * Parses in a process of its own, because Node gives the memory that a thread has used back late or never: hundreds of
 * MiB for a large file. Rejects if the process ends without a result, as it does soon after `signal` aborts.
 */
export async function readInProcess(
  request: InventoryRequest,
  signal?: AbortSignal,
): Promise<InventoryParts> {
  const entry = fileURLToPath(new URL(`./inventory-child${extname(import.meta.url)}`, import.meta.url))
  const child = fork(entry, [], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  })
  const apps: AppPart[] = []
  const last: Exclude<InventoryMessage, { apps: AppPart[] }>[] = []
  child.on('message', (message: InventoryMessage | null) => {
    if (message && 'apps' in message) for (const part of message.apps) addPart(apps, part)
    else if (message) last.push(message)
  })
  const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  // An error is ignored, because the exit of the process tells the reason.
  child.send(request, () => {})
  const [[code, endedBy]] = await ended
  const [result = { failed: `its process ended without a result (${endedBy ?? `exit code ${code}`})` }] = last
  if ('failed' in result) throw new Error(result.failed)
  return result.parts.kind === 'inventory' ? { ...result.parts, apps } : result.parts
}

/** Adds the next part, which may have more pieces of the last one. */
function addPart(apps: AppPart[], part: AppPart): void {
  const last = apps.at(-1)
  if (last?.hash === part.hash) last.pieces?.push(...(part.pieces ?? []))
  else apps.push(part)
}
