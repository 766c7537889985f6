import type { AlarmFilter } from '../domain/alarms.ts'
import type { JobFilter } from '../domain/jobs.ts'
import type { NotificationFilter } from '../domain/notify-ports.ts'
import { fullProcName } from '../domain/procs.ts'
import type { UserWorld } from '../domain/user-world.ts'
import type { VolumeFilter } from '../domain/volumes.ts'
import { BackupdError } from '../lib/errors.ts'
import type { BackupFilter, Page, RecordFilter } from '../wire/listing.ts'
import type * as inputs from './types/inputs.ts'

const MAX_PAGE = 500

/** null, like a missing argument, means the default. Throws BAD_INPUT for an empty text, which is a mistake. */
export function optionalText(name: string, text: string | null | undefined): string | undefined {
  if (text !== '') return text ?? undefined
  throw new BackupdError('BAD_INPUT', `"${name}" is empty, expected a value. Leave it out, or send null`, {
    facts: { name },
  })
}

/** Throws BAD_INPUT for an empty or too large page. */
export function toPage(first: number, after: string | null | undefined, max = MAX_PAGE): Page {
  if (first < 1 || first > max) {
    throw new BackupdError('BAD_INPUT', `first: ${first} is not a valid page size: ask for 1 to ${max}`, {
      facts: { first },
    })
  }
  const cursor = optionalText('after', after)
  return { first, ...(cursor !== undefined && { after: cursor }) }
}

export function toJobFilter(filter: inputs.JobFilter | null | undefined): JobFilter {
  return withoutNulls({ ...filter })
}

export function toVolumeFilter(filter: inputs.VolumeFilter | null | undefined): VolumeFilter {
  return withoutNulls({ ...filter })
}

export function toAlarmFilter(filter: inputs.AlarmFilter | null | undefined): AlarmFilter {
  return withoutNulls({ ...filter })
}

export function toNotificationFilter(
  filter: inputs.NotificationFilter | null | undefined,
): NotificationFilter {
  return withoutNulls({ ...filter })
}

export function toRecordFilter(
  world: UserWorld,
  filter: inputs.RecordFilter | null | undefined,
): RecordFilter {
  const { action, jobId, states } = filter ?? {}
  return withoutNulls({ ...historyFilter(world, filter), action, jobId, states })
}

export function toBackupFilter(
  world: UserWorld,
  filter: inputs.BackupFilter | null | undefined,
): BackupFilter {
  return withoutNulls({ ...historyFilter(world, filter), names: filter?.names, held: filter?.held })
}

function historyFilter(
  world: UserWorld,
  filter: inputs.RecordFilter | inputs.BackupFilter | null | undefined,
) {
  const { app, proc, volume, volumes, instanceNo, mode, server, from, to } = filter ?? {}
  return {
    app,
    proc: proc == null ? undefined : fullProcName(world, app ?? undefined, proc),
    volumes: volumes == null && volume == null ? undefined : [...(volumes ?? []), volume ?? []].flat(),
    instanceNo,
    mode,
    server,
    from: from?.toISOString(),
    to: to?.toISOString(),
  }
}

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> }

/** Removes nulls, which mean the same as a missing filter. */
function withoutNulls<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each != null)) as Present<T>
}
