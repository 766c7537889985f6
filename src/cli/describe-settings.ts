import type { NotifySink, Settings } from '../wire/settings.ts'
import { formatTable } from './table.ts'

/** One line for each sink. Of URLs it shows the hosts only, because the rest can be secret. */
export function describeSettings({ sinks, ping }: Settings): string {
  const head = ['sink', 'by', 'to', 'severity', 'kinds', 'apps', 'quiet']
  const table = sinks.length > 0 ? `${formatTable(head, sinks.map(describeSink))}\n` : ''
  const pinged = ping ? `, and a ping to ${new URL(ping.url).host}` : ''
  const warning = sinks.length === 0 ? ' No alarm is sent with them.' : ''
  return `${table}The settings are valid: ${sinks.length} ${sinks.length === 1 ? 'sink' : 'sinks'}${pinged}.${warning}\n`
}

function describeSink({ name, channel, match, quietHours }: NotifySink): string[] {
  const { severity, kinds, apps } = match
  const quiet =
    quietHours && `${printWallTime(quietHours.from)}-${printWallTime(quietHours.to)} ${quietHours.zone}`
  return [
    ...[name, ...describeChannel(channel)],
    ...[severity ?? 'any', kinds?.join(' ') ?? 'any', apps?.join(' ') ?? 'any', quiet ?? 'never'],
  ]
}

function describeChannel(channel: NotifySink['channel']): [by: string, to: string] {
  if (channel.kind === 'webhook') return [channel.format, new URL(channel.url).host]
  return ['e-mail', `${channel.to.join(' ')} through ${new URL(channel.server).host}`]
}

/** @param minutes of the day */
function printWallTime(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':')
}
