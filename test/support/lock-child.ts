import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../programs/lock-child-main.ts', import.meta.url))

/** A process that holds a lock on the repository of a store until it is killed; resolves when it has it. */
export async function lockRepositoryInChild(dir: string, exclusive: boolean): Promise<ChildProcess> {
  const child = fork(SCRIPT, [dir, exclusive ? 'exclusive' : 'shared'])
  onTestFinished(() => void child.kill('SIGKILL'))
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)))
  failed.catch(() => {})
  await Promise.race([once(child, 'message'), failed])
  return child
}

export async function killAndWait(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
