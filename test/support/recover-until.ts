import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { RID } from './swap-content.ts'

/**
 * Recovers in a process that kills itself at the n-th time it passes a point; see swap-child.ts, or another `child`.
 */
export async function recoverUntil(order: {
  child?: string
  [key: string]: unknown
}): Promise<NodeJS.Signals | null> {
  const child = spawn(
    process.execPath,
    [childFile(order.child), JSON.stringify({ rid: RID, time: 1, ...order })],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  const [, signal] = await once(child, 'exit')
  return signal
}

function childFile(name = 'swap-child.ts'): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
