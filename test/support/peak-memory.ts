import { readdirSync, readFileSync } from 'node:fs'

/** The highest resident memory of the processes that `pid` has started and that live, in MiB; 0 without any. */
export function readPeakOfChildren(pid: number): number {
  return Math.max(0, ...listChildren(pid).map(readPeak))
}

function listChildren(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readIfThere(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number),
  )
}

function readPeak(pid: number): number {
  const kib = /^VmHWM:\s+(\d+)/m.exec(readIfThere(`/proc/${pid}/status`))?.[1]
  return Math.round(Number(kib ?? 0) / 1024)
}

/** A process may end at any time. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
