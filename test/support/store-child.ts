import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../programs/store-child-main.ts', import.meta.url))

/** Publishes `count` backups in a process of its own; resolves with their names. */
export async function publishInChild(dir: string, archive: string, count: number): Promise<string[]> {
  const child = fork(SCRIPT, ['publish', dir, archive, String(count)])
  const [names] = await messageOf(child)
  return names as string[]
}

/** A process that holds a lock until it is killed; resolves when it has it. */
export async function lockInChild(dir: string, name: string): Promise<ChildProcess> {
  const child = fork(SCRIPT, ['lock', dir, name])
  await messageOf(child)
  return child
}

async function messageOf(child: ChildProcess): Promise<unknown[]> {
  const failed = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`the child ended with ${code}`)),
  )
  failed.catch(() => {})
  return await Promise.race([once(child, 'message'), failed])
}
