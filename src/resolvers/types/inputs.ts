import { Field, ID, InputType, Int } from 'type-graphql'
import { AccessRole } from '../enums/access-enums.ts'
import { AlarmKind, AlarmSeverity } from '../enums/alarm-enums.ts'
import { BackupMode } from '../enums/backup-enums.ts'
import { VolumeHealthState } from '../enums/health-enums.ts'
import { NotificationState } from '../enums/notification-enums.ts'
import { RecordState } from '../enums/record-enums.ts'
import { InUse, OnRefusedRename } from '../enums/recover-enums.ts'
import { DateTime } from '../scalars.ts'

@InputType()
class NameFilter {
  @Field(() => ID, { nullable: true, description: 'Name of an app.' })
  app?: string

  @Field(() => ID, { nullable: true, description: 'A proc: `web` or the full name.' })
  proc?: string

  @Field(() => String, { nullable: true, description: 'Name of a volume: `/data/db`.' })
  volume?: string

  @Field(() => Int, { nullable: true, description: 'Number of an instance.' })
  instanceNo?: number

  @Field(() => ID, { nullable: true, description: 'IP of a server.' })
  server?: string
}

@InputType({ description: 'Selects volumes that match every given field.' })
export class VolumeFilter extends NameFilter {
  @Field(() => [VolumeHealthState], {
    nullable: true,
    description: 'The worst state of its health; one of them must match.',
  })
  states?: VolumeHealthState[]
}

@InputType()
class PlaceFilter extends NameFilter {
  @Field(() => BackupMode, { nullable: true, description: 'Full backups or increments.' })
  mode?: BackupMode
}

@InputType({ description: 'Selects jobs that match every given field.' })
export class JobFilter extends PlaceFilter {
  @Field(() => String, {
    nullable: true,
    description: 'Action of the job: `backup`, `backup_expire`, `backup_verify_due`, `backup_drill_due`.',
  })
  action?: string
}

@InputType()
class HistoryFilter extends PlaceFilter {
  @Field(() => [String], { nullable: true, description: 'Names of volumes; one of them must match.' })
  volumes?: string[]

  @Field(() => DateTime, {
    nullable: true,
    description: 'At or after this time: `created` of a backup, `start` of a record.',
  })
  from?: Date

  @Field(() => DateTime, {
    nullable: true,
    description: 'Before this time: `created` of a backup, `start` of a record.',
  })
  to?: Date
}

@InputType({ description: 'Selects records that match every given field.' })
export class RecordFilter extends HistoryFilter {
  @Field(() => String, {
    nullable: true,
    description: 'Action of the run: `backup`, `backup_recover`, `backup_expire`.',
  })
  action?: string

  @Field(() => ID, { nullable: true, description: 'Runs of this job.' })
  jobId?: string

  @Field(() => [RecordState], { nullable: true, description: 'States; one of them must match.' })
  states?: RecordState[]
}

@InputType({ description: 'Selects backups that match every given field.' })
export class BackupFilter extends HistoryFilter {
  @Field(() => [ID], { nullable: true, description: 'Names in the store; one of them must match.' })
  names?: string[]

  @Field(() => Boolean, {
    nullable: true,
    description:
      'true: only those that something keeps (`holds`), or may keep, because their manifest cannot be read. false: all.',
  })
  held?: boolean
}

@InputType()
export class NamedBackup {
  @Field(() => ID, { description: 'The app of the backup.' })
  app!: string

  @Field(() => ID, { description: 'The proc of the backup: `web` or the full name.' })
  proc!: string

  @Field(() => ID, { description: 'Name of the backup in the store.' })
  backup!: string

  @Field(() => ID, {
    nullable: true,
    description:
      'The server in whose folder the backup lies. Required if several servers have a backup of that name.',
  })
  server?: string
}

@InputType()
export class VolumeRecoverInput extends NamedBackup {
  @Field(() => ID, {
    nullable: true,
    description:
      'A snapshot of an increment: its id, or four or more of its first digits. If left out: the newest that is not suspect.',
  })
  snapshot?: string

  @Field(() => [String], {
    nullable: true,
    description:
      'Paths below the volume to put in place; `*` means everything. If left out, the whole content is swapped.',
  })
  files?: string[]

  @Field(() => InUse, {
    nullable: true,
    defaultValue: InUse.REFUSE,
    description: 'What to do if processes use the volume.',
  })
  inUse?: InUse | null

  @Field(() => OnRefusedRename, {
    nullable: true,
    defaultValue: OnRefusedRename.REFUSE,
    description: 'What to do if the file system refuses to swap the content by renames.',
  })
  onRefusedRename?: OnRefusedRename | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Change nothing; only say what would be done, in `result.plan` of a record with the action `backup_recover_plan`.',
  })
  plan?: boolean | null

  @Field(() => String, {
    nullable: true,
    description:
      'The `planHash` of a plan of the same recover. If other paths would now be deleted or replaced than it said, the recover fails with `PLAN_STALE` and changes nothing.',
  })
  planHash?: string | null

  @Field(() => String, {
    nullable: true,
    description:
      'Keeps what is replaced for this long, `1m` to `30d`, so that `undoRecover` can put it back: `24h`. It takes its room as long. One copy for each volume: a later one replaces it. Not with `files`, nor `onRefusedRename: IN_PLACE`.',
  })
  keepOld?: string | null

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      'Recovers a full backup although it should be signed and is not (`UNSIGNED`), or was altered (`SIGNATURE_BAD`). The audit has it.',
  })
  acceptUnsigned?: boolean | null
}

@InputType({ description: 'What to recover.' })
export class RecoverInput extends VolumeRecoverInput {
  @Field(() => String, {
    nullable: true,
    description:
      'Recovers into this new folder and touches no volume: an absolute path under the `--recover-dir` of the daemon. No hooks are run.',
  })
  toDirectory?: string | null

  @Field(() => ID, {
    nullable: true,
    description: 'The server on which `toDirectory` is made. If left out: the server of the backup.',
  })
  toServer?: string
}

@InputType({ description: 'What to recover, and into which instance.' })
export class MigrateInput extends VolumeRecoverInput {
  @Field(() => Int, { description: 'Number of the instance to recover into.' })
  to!: number

  @Field(() => String, { description: 'Name of the volume to recover into.' })
  volume!: string

  @Field(() => String, {
    nullable: true,
    description: 'Repeats `volume`. Required if the backup was made of a volume with another name.',
  })
  confirmVolume?: string | null
}

@InputType({ description: 'A token to create.' })
export class TokenInput {
  @Field(() => String, { description: 'What it is for: 1 to 100 characters.' })
  name!: string

  @Field(() => [AccessRole], { description: 'What it may do, at least one.' })
  roles!: AccessRole[]

  @Field(() => [String], {
    nullable: true,
    description: 'The apps that all its roles are for, or `team-*`. If left out: everything.',
  })
  apps?: string[]

  @Field(() => DateTime, { nullable: true, description: 'When it ends. If left out: never.' })
  expiresAt?: Date
}

@InputType({ description: 'Selects alarms that match every given field.' })
export class AlarmFilter {
  @Field(() => Boolean, { nullable: true, description: 'Open alarms, or those that were cleared.' })
  open?: boolean

  @Field(() => Boolean, { nullable: true, description: 'Acknowledged alarms, or the others.' })
  acknowledged?: boolean

  @Field(() => [AlarmSeverity], { nullable: true, description: 'One of them must match.' })
  severities?: AlarmSeverity[]

  @Field(() => [AlarmKind], { nullable: true, description: 'One of them must match.' })
  kinds?: AlarmKind[]

  @Field(() => ID, { nullable: true, description: 'Alarms about volumes of this app.' })
  app?: string

  @Field(() => ID, { nullable: true, description: 'IP of a server: alarms about it and about its volumes.' })
  server?: string
}

@InputType({ description: 'Selects notifications that match every given field.' })
export class NotificationFilter {
  @Field(() => String, { nullable: true, description: 'Name of a sink.' })
  sink?: string

  @Field(() => [NotificationState], { nullable: true, description: 'One of them must match.' })
  states?: NotificationState[]
}
