import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Starts a Node program with a channel for calls; its output goes line by line to `onLine`. */
export function startNode(
  { args, env = {} }: { args: string[]; env?: NodeJS.ProcessEnv },
  onLine: (line: string) => void = () => {},
): ChildProcess {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface({ input: stream }).on('line', onLine)
  }
  return child
}

/** Ends a child, by force if it does not end on its own. */
export async function endChild(child: ChildProcess, graceMs = 30_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const force = setTimeout(() => child.kill('SIGKILL'), graceMs)
  child.kill('SIGTERM')
  await once(child, 'exit')
  clearTimeout(force)
}
