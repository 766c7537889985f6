import { ALARM_KINDS } from '../../wire/alarm-kinds.ts'
import { ALARM_SEVERITIES, type AlarmKind, type AlarmSeverity } from './alarm.ts'

interface AlarmRule {
  severity: AlarmSeverity
  /** What an operator should do. */
  action: string
}

const RULES: Record<(typeof ALARM_KINDS)[number], AlarmRule> = {
  CORRUPT: rule(
    'CRITICAL',
    'Run the job now. Do not delete an increment for its newest snapshot: earlier ones may be good',
  ),
  NEVER: rule('CRITICAL', 'Read why: the runs fail, or none came. Then run the job'),
  OVERDUE: rule('WARNING', 'Look at the server first: is its daemon down, does a run hang? Then run the job'),
  FAILING: rule('WARNING', 'The error and its code say what to do: docs/errors.md. Then run the job'),
  SUSPECT: rule('CRITICAL', 'Mount the volume, then run the job'),
  PARTIAL: rule('WARNING', 'The warnings of the record name the files'),
  UNUSUAL: rule(
    'CRITICAL',
    'Look at the volume: were its files deleted or encrypted? Recover what is kept, or acknowledge it (acknowledgeUnusual)',
  ),
  UNPROVEN: rule(
    'WARNING',
    'Verify the newest backup (verifyBackup), or see why the verify job does not come to it',
  ),
  PAUSED: rule('WARNING', 'Wake the job (wakeJob), or start the scheduler (startScheduler)'),
  CATALOG_BROKEN: rule(
    'CRITICAL',
    'Read the log of the controller. The catalog can be rebuilt from the stores',
  ),
  CATALOG_DISK: rule('CRITICAL', 'Free room on the disk of the controller'),
  INVENTORY_BROKEN: rule('WARNING', 'Correct the inventory. The last good one stays in force'),
  INVENTORY_HELD: rule(
    'WARNING',
    'Check that the volumes are meant to go: the inventory comes into force on its own',
  ),
  INVENTORY_INCOMPLETE: rule('WARNING', 'Correct the inventory: the volumes that it names are not backed up'),
  SILENT: rule('CRITICAL', 'Check the machine, then the daemon and its log'),
  STORE_UNAVAILABLE: rule(
    'CRITICAL',
    'Check the mount or the service of the store. No backup is made until it can be used',
  ),
  STORE_FULL: rule('WARNING', 'Add room, or keep backups for a shorter time'),
  DISK_FULL: rule('CRITICAL', 'Free room under the data directory of the daemon: no backup starts'),
  CLOCK_OFF: rule('WARNING', 'Check NTP. If the clock is right, call confirmClock'),
  VERIFY_BEHIND: rule('WARNING', 'Raise the budget of verify in the inventory, or its within'),
  OLD_VERSION: rule('INFO', 'Upgrade the daemon'),
  DEGRADED: rule('WARNING', 'health { controller { because } } has each reason'),
  SUMMARY: rule('INFO', 'Look at the open alarms. Later ones are told one by one'),
}

function rule(severity: AlarmSeverity, action: string): AlarmRule {
  return { severity, action }
}

/** Changes with each version that knows other kinds or judges otherwise: its first start tells all in one summary. */
export const ALARM_RULES_VERSION = '1'

export function isAlarmKind(text: string): text is AlarmKind {
  return Object.hasOwn(RULES, text)
}

export function adviseOn(kind: AlarmKind): string {
  return RULES[kind].action
}

/** What is wrong with one thing. */
export interface AlarmFinding {
  kind: AlarmKind
  severity: AlarmSeverity
  /** How much of it there is: more than twice as much is worse. */
  size: number
}

export function makeFinding(kind: AlarmKind, changes: Partial<AlarmFinding> = {}): AlarmFinding {
  return { kind, severity: RULES[kind].severity, size: 1, ...changes }
}

/** Negative if the first is worse. */
export function compareFindings(one: AlarmFinding, other: AlarmFinding): number {
  const bySeverity = rankSeverity(one.severity) - rankSeverity(other.severity)
  if (bySeverity !== 0) return bySeverity
  if (one.kind !== other.kind) return ALARM_KINDS.indexOf(one.kind) - ALARM_KINDS.indexOf(other.kind)
  if (one.size >= 2 * other.size) return -1
  return other.size >= 2 * one.size ? 1 : 0
}

/** 0 is the worst. */
export function rankSeverity(severity: AlarmSeverity): number {
  return ALARM_SEVERITIES.indexOf(severity)
}

/** States of a server that explain why its volumes have no new backups. */
const EXPLAINING: readonly AlarmKind[] = ['SILENT', 'STORE_UNAVAILABLE', 'STORE_FULL', 'DISK_FULL']
const EXPLAINED: readonly AlarmKind[] = ['NEVER', 'OVERDUE', 'FAILING', 'UNPROVEN']

/** A store that will be full explains nothing yet. */
export function explainsMissingBackups({ kind, severity }: Pick<AlarmFinding, 'kind' | 'severity'>): boolean {
  return EXPLAINING.includes(kind) && severity === 'CRITICAL'
}

export function isExplainedByServer(kind: AlarmKind): boolean {
  return EXPLAINED.includes(kind)
}
