import { archiveName } from '../../../src/wire/archive-name.ts'
import type { Facts } from './facts.ts'

/** The volume that has the files and the backups: of instance 1. */
export interface Subject {
  app: string
  proc: string
  volume: string
  instanceNo: 1
  archive: string
  /** Below the volume root. */
  place: string
}

/** The volume that was described last before its backups, or else the last one of all. */
export function subjectOf({ subject, apps }: Pick<Facts, 'subject' | 'apps'>): Subject {
  if (subject) return subject
  const app = apps.at(-1)?.name ?? 'hello'
  const { name: proc = `${app}.web.web`, volumes = [] } = apps.at(-1)?.procs.at(-1) ?? {}
  const volume = volumes.at(-1)?.name ?? '/data/db'
  const of = { app, proc, volume, instanceNo: 1 } as const
  return { ...of, archive: archiveName(of), place: `${app}/${proc}/1${volume}` }
}
