import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface DaemonProcess {
  child: ChildProcess
  /** Resolves once it listens. */
  url: string
}

/** How a process ended: its exit code (null after a signal) and everything that it wrote to stderr. */
export interface Ended {
  code: number | null
  stderr: string
}

/** `backupd daemon` as a process of its own. */
export function spawnDaemon(args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [MAIN, 'daemon', ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({ code, stderr }))
  return { child, ended }
}

export function localFlags(dir: string): string[] {
  const place = ['--data', join(dir, 'data'), '--volume-root', join(dir, 'volumes')]
  const store = ['--backup-driver', 'local', '--backup-local-dir', join(dir, 'store')]
  return ['--addr', '127.0.0.1:0', '--ip', '10.77.0.11', ...place, ...store]
}

/** Resolves when it listens; rejects with its output if it ends first. */
export async function startDaemonProcess(args: string[]): Promise<DaemonProcess & { ended: Promise<Ended> }> {
  const { child, ended } = spawnDaemon(args)
  const url = Promise.withResolvers<string>()
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream })
  lines.on('line', (line) => {
    const match = /"msg":"The daemon listens on ([^"]+)"/.exec(line)
    if (match?.[1]) url.resolve(match[1])
  })
  void ended.then(({ stderr }) => url.reject(new Error(stderr)))
  return { child, ended, url: await url.promise }
}

export async function kill(
  { child, ended }: { child: ChildProcess; ended: Promise<Ended> },
  signal: NodeJS.Signals,
): Promise<Ended> {
  child.kill(signal)
  return await ended
}
