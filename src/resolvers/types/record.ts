import { Field, Float, ID, Int, ObjectType } from 'type-graphql'
import type { BackupInfo } from '../../wire/backup.ts'
import { BackupMode, VerifyMethod } from '../enums/backup-enums.ts'
import { EventKind, RecordState } from '../enums/record-enums.ts'
import { BigIntScalar, DateTime, JsonScalar } from '../scalars.ts'
import { SIMPLE } from '../simple.ts'
import { ChangedWhileRead } from './backup.ts'
import { HookRun } from './hook-run.ts'
import { RecoverPlan } from './recover-plan.ts'
import { RunPhase } from './run-phase.ts'

@ObjectType({ ...SIMPLE, description: 'How far a run is.' })
export class Progress {
  @Field(() => String, {
    description: 'What it does now, as in `phases`: `pack`, `unpack`, `swap`, `publish`, `wait-store`, …',
  })
  phase!: string

  @Field(() => BigIntScalar, {
    description: 'Bytes done: of file content, and for `verify` and `prune` of the store.',
  })
  bytesDone!: number

  @Field(() => BigIntScalar, {
    nullable: true,
    description:
      'Bytes expected; null if not known. Of a backup: those of the previous one, an estimate. Of a prune: an estimate.',
  })
  bytesTotal!: number | null

  @Field(() => Int, { description: 'Files done.' })
  filesDone!: number

  @Field(() => Int, {
    nullable: true,
    description: 'Files expected; null if not known. Of a backup: those of the previous one, an estimate.',
  })
  filesTotal!: number | null

  @Field(() => String, {
    nullable: true,
    description:
      'The path it works on, null if there is none. A backslash is written `\\\\`, a byte that is not UTF-8 or that is a control character `\\xHH`.',
  })
  currentPath!: string | null

  @Field(() => Float, { nullable: true, description: 'Present speed; null if not known.' })
  bytesPerSecond!: number | null

  @Field(() => Float, { nullable: true, description: 'Estimated seconds to the end; null if not known.' })
  etaSeconds!: number | null
}

@ObjectType({ ...SIMPLE, description: 'Why a run did not succeed.' })
export class RecordError {
  @Field(() => String, { description: 'A stable code; docs/errors.md lists all of them.' })
  code!: string

  @Field(() => String, { description: 'What was asked and what went wrong, in a sentence.' })
  message!: string

  @Field(() => String, { description: 'What to do about it.' })
  action!: string

  @Field(() => JsonScalar, { description: 'Sizes, names and limits of the error, by name.' })
  facts!: { [name: string]: unknown }
}

@ObjectType({ ...SIMPLE, description: 'What a verification found, if no content is damaged.' })
export class VerifyResult {
  @Field(() => VerifyMethod, { description: 'What the backup was compared with.' })
  method!: VerifyMethod

  @Field(() => Float, { description: 'The share of its bytes that was read, from 0 to 1.' })
  share!: number

  @Field(() => BigIntScalar, { description: 'Bytes of the store that this run read.' })
  bytes!: number

  @Field(() => [String], { description: 'Damage that loses no content, such as that of an index.' })
  problems!: string[]
}

@ObjectType({ ...SIMPLE, description: 'What a drill compared, if the backup is not damaged.' })
export class DrillResult {
  @Field(() => Float, { description: 'Entries whose type, mode and owner were compared.' })
  entries!: number

  @Field(() => Float, { description: 'Files whose content was compared.' })
  files!: number

  @Field(() => BigIntScalar, { description: 'Bytes of their content.' })
  bytes!: number

  @Field(() => Float, { description: 'Entries that differ from the index.' })
  different!: number

  @Field(() => [String], { description: 'The first hundred of them, each with what differs.' })
  differences!: string[]
}

@ObjectType({
  ...SIMPLE,
  description: 'The result of a run. A field that does not apply to its action is null or empty.',
})
export class BackupResult {
  @Field(() => String, { nullable: true, description: 'Name of the backup that was made.' })
  file!: string | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Bytes of the backup that was made.' })
  size!: number | null

  @Field(() => [String], { description: 'Names of deleted backups.' })
  deleted!: string[]

  @Field(() => Int, { nullable: true, description: 'Number of restored entries.' })
  entriesRestored!: number | null

  @Field(() => Int, { nullable: true, description: 'Number of files among the restored entries.' })
  filesRestored!: number | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Bytes of restored file content.' })
  bytesRestored!: number | null

  @Field(() => String, {
    nullable: true,
    description: 'The new folder with the restored files, on the server of the record.',
  })
  directory!: string | null

  @Field(() => ID, { nullable: true, description: 'Id of the snapshot that was made.' })
  snapshot!: string | null

  @Field(() => [ID], { description: 'Ids of deleted snapshots.' })
  deletedSnapshots!: string[]

  @Field(() => BigIntScalar, { nullable: true, description: 'Bytes that a prune freed in the store.' })
  bytesFreed!: number | null

  @Field(() => Int, { nullable: true, description: 'Files that the previous snapshot does not have.' })
  filesNew!: number | null

  @Field(() => Int, { nullable: true, description: 'Files that differ from the previous snapshot.' })
  filesChanged!: number | null

  @Field(() => Int, { nullable: true, description: 'Files that are as in the previous snapshot.' })
  filesUnchanged!: number | null

  @Field(() => Int, { nullable: true, description: 'Files of the previous snapshot that no longer exist.' })
  filesDeleted!: number | null

  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Bytes of file content that were read for the snapshot.',
  })
  bytesRead!: number | null

  @Field(() => BigIntScalar, { nullable: true, description: 'Bytes that the snapshot added to the store.' })
  bytesAdded!: number | null

  @Field(() => RecoverPlan, { nullable: true, description: 'What the recover would do; nothing was done.' })
  plan!: RecoverPlan | null

  @Field(() => VerifyResult, { nullable: true, description: 'What a verification found.' })
  verification!: VerifyResult | null

  @Field(() => DrillResult, { nullable: true, description: 'What a drill compared.' })
  drill!: DrillResult | null

  @Field(() => [HookRun], {
    description:
      'The hooks that were called, in order: the first hundred, or if there are more, those that failed first.',
  })
  hooks!: HookRun[]

  @Field(() => Int, { description: 'How many hooks were called.' })
  hookCount!: number

  backupInfo!: BackupInfo | null
}

@ObjectType({ ...SIMPLE, description: 'One run of a job or of a one-off action.' })
export class Record {
  @Field(() => ID, { description: 'Its id.' })
  rid!: string

  @Field(() => String, { description: 'The app; `backupctl` for runs of the jobs of a server.' })
  app!: string

  @Field(() => String, { nullable: true, description: 'The full name of the proc; null for expire runs.' })
  proc!: string | null

  @Field(() => String, {
    nullable: true,
    description: 'Name of the volume; null for expire runs, or if it is not known.',
  })
  volume!: string | null

  @Field(() => Int, {
    nullable: true,
    description: 'Number of the instance; null for expire runs, or if it is not known.',
  })
  instanceNo!: number | null

  @Field(() => BackupMode, {
    nullable: true,
    description: 'Full backup or increment; null for other actions.',
  })
  mode!: BackupMode | null

  @Field(() => String, {
    description: 'What it does: `backup`, `backup_recover`, `backup_recover_plan`, `backup_expire`.',
  })
  action!: string

  @Field(() => ID, { nullable: true, description: 'The job; null for a one-off action.' })
  jobId!: string | null

  @Field(() => String, { description: 'Schedule of the job; empty for a one-off action.' })
  spec!: string

  @Field(() => Boolean, { description: 'The schedule started it. false: it was started by hand.' })
  scheduled!: boolean

  @Field(() => JsonScalar, { description: 'Its arguments, as the daemon got them.' })
  args!: { [name: string]: unknown }

  @Field(() => RecordState, { description: 'Where it stands.' })
  state!: RecordState

  @Field(() => Progress, { nullable: true, description: 'How far it is; null until it has reported some.' })
  progress!: Progress | null

  @Field(() => [RunPhase], {
    description:
      'What it did when, in order; empty if its daemon is too old to tell. Of very many, those that go on after an interruption are joined with it.',
  })
  phases!: RunPhase[]

  @Field(() => BackupResult, {
    nullable: true,
    description: 'What it did; null until it ended, or if there is nothing to say.',
  })
  result!: BackupResult | null

  @Field(() => String, {
    nullable: true,
    description: 'Why it is not a plain success; null if it is, or while it runs.',
  })
  reason!: string | null

  @Field(() => RecordError, { nullable: true, description: 'Why it failed; null if it did not.' })
  error!: RecordError | null

  @Field(() => [String], { description: 'The first thousand warnings, one sentence each.' })
  warnings!: string[]

  @Field(() => Int, { description: 'Number of all warnings.' })
  warningCount!: number

  @Field(() => ChangedWhileRead, {
    nullable: true,
    description: 'Files that changed after the run began; null if that was not checked.',
  })
  changedWhileRead!: ChangedWhileRead | null

  @Field(() => DateTime, { description: 'When it began; while it is queued, when it was requested.' })
  start!: string

  @Field(() => DateTime, { nullable: true, description: 'When it ended; null until then.' })
  end!: string | null

  @Field(() => Int, { description: 'Always 1: a run is never repeated under its id.' })
  attempt!: number

  serverIp!: string
}

@ObjectType({ ...SIMPLE, description: 'A record, as it is now or after a change.' })
export class RecordEvent {
  @Field(() => Int, {
    description:
      'A number that grows with each event of any record. Pass the highest one as `since` to miss nothing.',
  })
  seq!: number

  @Field(() => EventKind, {
    description: 'SNAPSHOT: the present state, sent first. CHANGE: something changed.',
  })
  kind!: EventKind

  @Field(() => Record, { description: 'The record at that moment.' })
  record!: Record
}
