// src/domain/alarms/ decides when a fault becomes an alarm and when that ends. The rules are pure: alarm-rules.ts says how
// bad a state is, alarm-board.ts has what is wrong now and since when, alarm-gate.ts waits for the daemons after a start,
// alarm-book.ts keeps the alarms. ../update-alarms.ts tells the board what changed, and ../alarms.ts answers users.

import type { ControllerHealthState } from '../health/controller-rules.ts'
import type { ServerHealthState } from '../health/server-rules.ts'
import type { VolumeState } from '../health/states.ts'

/** Worst first. */
export const ALARM_SEVERITIES = ['CRITICAL', 'WARNING', 'INFO'] as const
export type AlarmSeverity = (typeof ALARM_SEVERITIES)[number]

/** A state of health that is a fault; `SUMMARY` is what the first start with alarms tells. */
export type AlarmKind =
  | Exclude<VolumeState | ServerHealthState | ControllerHealthState, 'OK' | 'UNKNOWN'>
  | 'SUMMARY'

/** What an alarm is about. */
export interface AlarmTarget {
  type: 'CONTROLLER' | 'STORE' | 'SERVER' | 'VOLUME'
  /** The IP of the server; null if it is about several, or about the controller. */
  server: string | null
  /** null if it is not about one volume. */
  volume: AlarmPlace | null
}

export interface AlarmPlace {
  app: string
  /** The full name. */
  proc: string
  instanceNo: number
  name: string
}

export interface Acknowledgement {
  by: string
  /** Unix ms. */
  at: number
  /** Unix ms: it ends then on its own. */
  until: number
  why: string
}

/** An alarm as it was after one change. Times are unix ms. */
export interface Alarm {
  id: string
  /** Number of this change; counts over all alarms, and continues after a restart. */
  seq: number
  /** Number of the change that raised it. */
  raisedSeq: number
  /** What it is about, for as long as it is open: see AlarmBoard. */
  key: string
  /** The thing that its target belongs to: faults of one kind there can have one alarm together. */
  parent: string
  /** It stands for several faults. */
  isGroup: boolean
  kind: AlarmKind
  severity: AlarmSeverity
  target: AlarmTarget
  /** Whose volumes it is about, at most MAX_NAMED. */
  apps: string[]
  /** Servers that it is about, at most MAX_NAMED. */
  servers: string[]
  /** How many faults it stands for. */
  count: number
  /** Since when the fault is known. */
  since: number
  raisedAt: number
  /** null while it is open. */
  clearedAt: number | null
  message: string
  acknowledged: Acknowledgement | null
  /** The summary of the first start tells it. */
  isInSummary: boolean
  /** The sinks that it was sent to. */
  told: string[]
}

export const MAX_NAMED = 1000

/** An alarm that changed, before it has its number. */
export type UnnumberedAlarm = Omit<Alarm, 'seq' | 'raisedSeq'> & { raisedSeq: number | null }

/** `seq` is that of the alarm. */
export interface AlarmEvent {
  seq: number
  kind: 'SNAPSHOT' | 'CHANGE'
  alarm: Alarm
}
