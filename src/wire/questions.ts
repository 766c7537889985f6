import { z } from 'zod'
import {
  deletedBackupsSchema,
  deletedSnapshotsSchema,
  filePageSchema,
  MAX_FILES,
  namespacesSchema,
  releasedBackupsSchema,
  unknownObjectsSchema,
} from './daemon-api.ts'
import { hiddenPageSchema, hideFields } from './hidden.ts'
import { makePageLimit, pageLimit } from './page-limits.ts'
import { pinAnswerSchema, pinFields } from './pin.ts'
import { stepPageSchema, stepsArgs } from './planned-step.ts'
import { diffPageSchema, fileHistorySchema, snapshotPageSchema } from './snapshot.ts'

/**
 * What a controller can ask a daemon about its store, or have it change there, with the answer in the same response.
 * The table below has one row for each; the daemon's routes, the fleet's client and the plugins use it. Paths, fields
 * and answers are those of docs/protocol.md.
 */
export interface Question<Args extends z.ZodObject = z.ZodObject, Answer = unknown> {
  /** The plugin that answers. */
  readonly action: string
  readonly method: 'GET' | 'POST'
  /** `:name` stands for the name of a backup. */
  readonly path: string
  /** For errors: `The question for files`. */
  readonly what: string
  /** Sent in this order. `namespace`, if it is not given, is the daemon's own. */
  readonly args: Args
  readonly answer: z.ZodType<Answer>
  /** Answered only for the daemon's own namespace, and only once the daemon is ready. */
  readonly changesStore: boolean
}

/** Declares a row and keeps its types. */
function question<Args extends z.ZodObject, Answer>(row: Question<Args, Answer>): Question<Args, Answer> {
  return row
}

const BACKUP = '/api/v1/backup'

const namespace = z.string()
const name = z.string()
/** Ids or prefixes of ids. */
const snapshotIds = z.array(z.string().min(1)).min(1).max(1000)
const backupNames = z.array(z.string().min(1)).min(1).max(10_000)
const snapshot = z.string().min(1, 'it is empty, expected the id of a snapshot').optional()
/** The last item of the previous page; empty for the first page. */
const after = z.string().default('')

// Five actions that answer at once have no row, because none has a route that answers like a row's. backup_list,
// backup_info and backup_delete serve routes of the legacy protocol, whose fields and answers differ from those of the
// plugin (daemon/handlers/backups.ts). The daemon asks store_space and store_claim itself; nobody can send for them.
export const QUESTIONS = {
  /** The direct entries of a folder, by path. */
  files: question({
    action: 'backup_files',
    method: 'GET',
    path: `${BACKUP}/files/:name`,
    changesStore: false,
    what: 'The question for files of a backup',
    args: z.object({
      namespace,
      name,
      path: z.string().default(''),
      limit: makePageLimit(MAX_FILES),
      after,
      /** Of an increment; the newest if it is left out. */
      snapshot,
    }),
    answer: filePageSchema,
  }),
  /** The snapshots of a series, newest first. */
  snapshots: question({
    action: 'backup_snapshots',
    method: 'GET',
    path: `${BACKUP}/snapshots/:name`,
    changesStore: false,
    what: 'The question for snapshots',
    args: z.object({ namespace, name, limit: pageLimit, after }),
    answer: snapshotPageSchema,
  }),
  /** Deletes single snapshots of a series, all or none. A missing one is an error. */
  deleteSnapshots: question({
    action: 'snapshots_delete',
    method: 'POST',
    path: `${BACKUP}/snapshots/:name/actions/delete`,
    changesStore: true,
    what: 'The snapshots to delete',
    args: z.object({
      namespace,
      name,
      snapshots: snapshotIds,
    }),
    answer: deletedSnapshotsSchema,
  }),
  /** Deletes backups so that it can be undone. */
  hide: question({
    action: 'backup_hide',
    method: 'POST',
    path: `${BACKUP}/hidden/actions/hide`,
    changesStore: true,
    what: 'The backups to delete',
    args: z.object({ namespace, names: backupNames, ...hideFields }),
    answer: deletedBackupsSchema,
  }),
  /** Deletes single snapshots so that it can be undone. */
  hideSnapshots: question({
    action: 'snapshots_hide',
    method: 'POST',
    path: `${BACKUP}/snapshots/:name/actions/hide`,
    changesStore: true,
    what: 'The snapshots to delete',
    args: z.object({ namespace, name, snapshots: snapshotIds, ...hideFields }),
    answer: deletedSnapshotsSchema,
  }),
  /** Makes hidden backups backups again, all or none; `snapshots`: only these of the one that is named. */
  restoreHidden: question({
    action: 'backup_restore',
    method: 'POST',
    path: `${BACKUP}/hidden/actions/restore`,
    changesStore: true,
    what: 'The deleted backups to restore',
    args: z.object({ namespace, names: backupNames, snapshots: snapshotIds.optional() }),
    answer: releasedBackupsSchema,
  }),
  /** The hidden backups, by name. */
  hidden: question({
    action: 'backup_hidden',
    method: 'GET',
    path: `${BACKUP}/hidden`,
    changesStore: false,
    what: 'The question for deleted backups',
    args: z.object({ namespace, limit: pageLimit, after }),
    answer: hiddenPageSchema,
  }),
  /** Releases the backups that are held because a run after them was unusual: all of the volume and mode of this one. */
  acknowledgeUnusual: question({
    action: 'unusual_acknowledge',
    method: 'POST',
    path: `${BACKUP}/unusual/:name/actions/acknowledge`,
    changesStore: true,
    what: 'The backup to acknowledge',
    args: z.object({ namespace, name }),
    answer: releasedBackupsSchema,
  }),
  /** Keeps an archive, or a snapshot of a series, whatever its age. */
  addPin: question({
    action: 'pin_add',
    method: 'POST',
    path: `${BACKUP}/pins/:name/actions/add`,
    changesStore: true,
    what: 'The pin to add',
    args: z.object({ namespace, name, snapshot, ...pinFields }),
    answer: pinAnswerSchema,
  }),
  /** Releases one pin of a backup. Which one need not be said if it is the only one. */
  releasePin: question({
    action: 'pin_release',
    method: 'POST',
    path: `${BACKUP}/pins/:name/actions/release`,
    changesStore: true,
    what: 'The pin to release',
    args: z.object({ namespace, name, snapshot, pin: z.string().min(1).max(64).optional() }),
    answer: pinAnswerSchema,
  }),
  /** The steps of a plan that a recover of this daemon made, what would be lost first. */
  planSteps: question({
    action: 'plan_steps',
    method: 'GET',
    path: `${BACKUP}/plan-steps`,
    changesStore: false,
    what: 'The question for the steps of a plan',
    args: stepsArgs,
    answer: stepPageSchema,
  }),
  /** The differences between two snapshots, by path. */
  diff: question({
    action: 'backup_diff',
    method: 'GET',
    path: `${BACKUP}/diff/:name`,
    changesStore: false,
    what: 'The question for a difference',
    args: z.object({
      namespace,
      name,
      from: z.string(),
      /** The newest if it is empty. */
      to: z.string().default(''),
      limit: pageLimit,
      after,
    }),
    answer: diffPageSchema,
  }),
  /** The versions of one path in the snapshots of a series, newest first. */
  history: question({
    action: 'backup_history',
    method: 'GET',
    path: `${BACKUP}/history/:name`,
    changesStore: false,
    what: 'The question for the history of a file',
    args: z.object({ namespace, name, path: z.string(), after }),
    answer: fileHistorySchema,
  }),
  /** The servers that have a folder in the store, including dead ones. */
  namespaces: question({
    action: 'backup_namespaces',
    method: 'GET',
    path: `${BACKUP}/namespaces`,
    changesStore: false,
    what: 'The question for namespaces',
    args: z.object({}),
    answer: namespacesSchema,
  }),
  /** The objects in a namespace that belong to no backup. */
  unknown: question({
    action: 'backup_unknown',
    method: 'GET',
    path: `${BACKUP}/unknown`,
    changesStore: false,
    what: 'The question for unknown objects',
    args: z.object({ namespace }),
    answer: unknownObjectsSchema,
  }),
} as const

export type QuestionName = keyof typeof QUESTIONS

/** What a caller gives for the args of a row. A field that is null is left out. */
export type AskedArgs<Args extends z.ZodObject> = {
  [Field in keyof z.infer<Args>]:
    | z.infer<Args>[Field]
    | (Field extends 'after' | 'snapshot' | 'until' | 'pin' | 'kind' ? null : never)
}

/** The args of one row: `QuestionArgs<'files'>`. */
export type QuestionArgs<Name extends QuestionName> = AskedArgs<(typeof QUESTIONS)[Name]['args']>

/** The answer of one row: `QuestionAnswer<'files'>`. */
export type QuestionAnswer<Name extends QuestionName> = z.infer<(typeof QUESTIONS)[Name]['answer']>

/** The row of a name that is known only when the code runs, with the types of that row. */
export function findQuestion<Name extends QuestionName>(
  name: Name,
): Question<z.ZodObject, QuestionAnswer<Name>> {
  const table: { [Each in QuestionName]: Question<z.ZodObject, QuestionAnswer<Each>> } = QUESTIONS
  return table[name]
}
