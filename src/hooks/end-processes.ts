import { readdir, readFile } from 'node:fs/promises'
import { sleep } from '../lib/sleep.ts'

/** The name of the variable that marks the processes of a call; see HookCall.id. */
export const MARKER = 'BACKUPD_HOOK_ID'

const MAX_PASSES = 40
const PAUSE_MS = 50

/** Whether the process of this id runs and belongs to the call. */
export async function isOfCall(pid: number, id: string): Promise<boolean> {
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1')
    return environment.split('\0').includes(`${MARKER}=${id}`)
  } catch {
    // It has ended, or belongs to another user.
    return false
  }
}

/** The processes of the call that this process can see, in containers of this machine too. */
export async function findProcesses(id: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const isOwn = await Promise.all(pids.map((pid) => isOfCall(pid, id)))
  return pids.filter((_pid, at) => isOwn[at])
}

/** Kills the call with all its children, those too that are born meanwhile. Returns the processes that did not end. */
export async function endProcesses(id: string): Promise<number[]> {
  let left: number[] = []
  for (let passes = 0; passes < MAX_PASSES; passes++) {
    left = await findProcesses(id)
    if (left.length === 0) return []
    for (const pid of left) killIfThere(pid)
    await sleep(PAUSE_MS)
  }
  return left
}

/** Kills a process that leads a group, with that group: children too that changed their environment. */
export function endGroup(leader: number): void {
  killIfThere(-leader)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile, or cannot be killed: then the next pass finds it again.
  }
}
