import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { RID } from './swap-content.ts'

const PROGRAMS = {
  swap: fileURLToPath(new URL('../programs/swap-child.ts', import.meta.url)),
  copy: fileURLToPath(new URL('../programs/copy-child.ts', import.meta.url)),
}

/** Recovers in a process that kills itself at the n-th time it passes a point. */
export async function recoverUntil(order: {
  child?: keyof typeof PROGRAMS
  [key: string]: unknown
}): Promise<NodeJS.Signals | null> {
  const child = spawn(
    process.execPath,
    [PROGRAMS[order.child ?? 'swap'], JSON.stringify({ rid: RID, time: 1, ...order })],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  const [, signal] = await once(child, 'exit')
  return signal
}
