import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A process that holds something and prints `ready` once it does; end() ends it. */
export interface Holder {
  pid: number
  end(): Promise<void>
}

export async function hold(command: string, args: string[], cwd = '/'): Promise<Holder> {
  const child = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] })
  await ready(child)
  return {
    pid: child.pid ?? 0,
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function ready(child: ChildProcess): Promise<void> {
  const failed = once(child, 'exit').then(() => {
    throw new Error('the process ended before it held anything')
  })
  const stdout = child.stdout
  if (stdout) await Promise.race([once(stdout, 'data'), failed])
  failed.catch(() => {})
}
