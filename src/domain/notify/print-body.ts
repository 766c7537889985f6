import { createHmac } from 'node:crypto'
import { isoTime } from '../../lib/clock.ts'
import type { Webhook } from '../../wire/settings.ts'
import type { Alarm } from '../alarms/alarm.ts'
import { adviseOn } from '../alarms/alarm-rules.ts'
import type { Notification } from './notification.ts'

/** What is posted to a webhook. */
export interface WebhookMessage {
  headers: Record<string, string>
  body: string
}

/** What is sent as e-mail. */
export interface MailMessage {
  /** The same for each try, so that a receiver can drop a second one. */
  id: string
  subject: string
  text: string
}

/** @param controller the URL of this controller */
export function makeMailMessage(notification: Notification, controller: string): MailMessage {
  const { id, alarm } = notification
  const since = alarm
    ? [`Since: ${isoTime(alarm.since)}`, `Alarm: ${alarm.id}`, `Controller: ${controller}`]
    : []
  const text = [printText(notification, controller), '', ...since, ''].join('\n')
  return { id, subject: `[backupd] ${printTitle(notification)}`, text }
}

/** @param at unix seconds, which the signature covers @param controller the URL of this controller */
export function makeWebhookMessage(
  { format, secret }: Webhook,
  notification: Notification,
  { at, controller }: { at: number; controller: string },
): WebhookMessage {
  const { body, ...more } = PRINTERS[format](notification, controller)
  const { id } = notification
  return {
    body,
    headers: {
      ...more.headers,
      'user-agent': 'backupd',
      'backupd-id': id,
      'backupd-timestamp': String(at),
      ...(secret !== null && { 'backupd-signature': `v1=${sign(secret, `${id}.${at}.${body}`)}` }),
    },
  }
}

/** HMAC-SHA256, hex. */
function sign(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest('hex')
}

type Printer = (notification: Notification, controller: string) => WebhookMessage

const PRINTERS: Readonly<Record<Webhook['format'], Printer>> = {
  json: (notification, controller) => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(describeNotification(notification, controller)),
  }),
  slack: (notification, controller) => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      mrkdwn: false,
      text: escapeSlack(`${printTitle(notification)}\n${printText(notification, controller)}`),
    }),
  }),
  ntfy: (notification, controller) => ({
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      title: printTitle(notification),
      priority:
        PRIORITIES[notification.event === 'CLEARED' ? 'INFO' : (notification.alarm?.severity ?? 'INFO')],
    },
    body: cutToBytes(printText(notification, controller), MAX_NTFY_BYTES),
  }),
}

/** ntfy takes longer ones for a file, which many servers refuse. */
const MAX_NTFY_BYTES = 4096

function cutToBytes(text: string, most: number): string {
  const bytes = Buffer.from(text)
  return bytes.length <= most
    ? text
    : bytes
        .subarray(0, most)
        .toString()
        .replace(/\uFFFD+$/, '')
}

const PRIORITIES: Readonly<Record<Alarm['severity'], string>> = { CRITICAL: '5', WARNING: '4', INFO: '3' }

function describeNotification({ id, event, createdAt, alarm }: Notification, controller: string) {
  return { id, event, at: isoTime(createdAt), controller, alarm: alarm && describeAlarmOf(alarm) }
}

/** With the names of GraphQL. */
function describeAlarmOf({ target: { type, server, volume }, ...alarm }: Alarm) {
  const { id, kind, severity, count, message, since, raisedAt, clearedAt } = alarm
  return {
    ...{ id, kind, severity, count, message },
    target: {
      ...{ type, server, app: volume?.app ?? null, proc: volume?.proc ?? null },
      ...{ instanceNo: volume?.instanceNo ?? null, volume: volume?.name ?? null },
    },
    since: isoTime(since),
    raisedAt: isoTime(raisedAt),
    clearedAt: clearedAt === null ? null : isoTime(clearedAt),
    action: adviseOn(kind),
  }
}

const WORDS: Readonly<Record<Notification['event'], string>> = {
  RAISED: '',
  WORSE: 'Worse: ',
  UNACKNOWLEDGED: 'Still: ',
  CLEARED: 'Cleared: ',
  TEST: 'Test: ',
}

/** ASCII, so that it can be a header. */
function printTitle({ event, alarm }: Notification): string {
  if (!alarm) return `${WORDS[event]}a notification of backupd`
  return `${WORDS[event]}${alarm.severity} ${alarm.kind}`
}

function printText({ event, alarm }: Notification, controller: string): string {
  if (!alarm) return `This sink works. Sent by ${controller}`
  const advice = event === 'CLEARED' ? '' : `\nDo: ${adviseOn(alarm.kind)}`
  return `${alarm.message}${advice}`
}

/**
 * https://api.slack.com/reference/surfaces/formatting#escaping. Mattermost also reads "@channel" and "[text](url)" of a
 * plain text, which whoever names an app or a file could write: a space without width breaks them.
 */
function escapeSlack(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return escaped.replaceAll('@', '@\u200b').replaceAll('](', ']\u200b(')
}
