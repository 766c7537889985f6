import { Command } from 'commander'
import {
  AcknowledgeAlarmDocument,
  type AlarmFactsFragment,
  AlarmsDocument,
} from '../client/generated/operations.ts'
import { isoTime, systemClock } from '../lib/clock.ts'
import { parseExpire } from '../lib/durations.ts'
import { BackupdError } from '../lib/errors.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print } from './print.ts'

export function alarmCommand(): Command {
  const list = addClientFlags(new Command('list'))
    .description('Lists the open alarms, the newest first.')
    .option('--all', 'also those that were cleared, 500 alarms at most', false)
    .option('--app <app>', 'only alarms about volumes of this app')
    .action(listAlarms)
  const acknowledge = addClientFlags(new Command('acknowledge'))
    .description('Notes that you take care of an alarm. It takes an operator.')
    .argument('<id>', 'its id, from the list')
    .option('--for <time>', 'when this ends on its own: 30m, 4h, 2d', '1d')
    .requiredOption('--why <text>', 'why nobody else has to act')
    .action(acknowledgeAlarm)
  return new Command('alarm')
    .description('Shows the alarms of a running controller, and acknowledges them.')
    .addCommand(list)
    .addCommand(acknowledge)
}

interface ListFlags extends ClientFlags {
  all: boolean
  app?: string
}

const MAX_LISTED = 500

async function listAlarms({ all, app, ...client }: ListFlags): Promise<void> {
  const filter = { ...(!all && { open: true }), ...(app !== undefined && { app }) }
  const { alarms } = await (await connectToController(client))(AlarmsDocument, { filter, first: MAX_LISTED })
  if (client.json) return print(`${JSON.stringify(alarms.nodes)}\n`)
  if (alarms.nodes.length === 0) return print(all ? 'There were no alarms.\n' : 'No alarm is open.\n')
  const more = alarms.pageInfo.hasNextPage ? `\n\nOnly the newest ${MAX_LISTED} are listed.` : ''
  print(`${alarms.nodes.map(describeAlarm).join('\n\n')}${more}\n`)
}

interface AcknowledgeFlags extends ClientFlags {
  for: string
  why: string
}

async function acknowledgeAlarm(id: string, { for: time, why, ...client }: AcknowledgeFlags): Promise<void> {
  const request = { id, until: isoTime(systemClock.now() + parseTime(time)), why }
  const execute = await connectToController(client)
  const { acknowledgeAlarm: alarm } = await execute(AcknowledgeAlarmDocument, request)
  print(client.json ? `${JSON.stringify(alarm)}\n` : `${describeAlarm(alarm)}\n`)
}

function parseTime(text: string): number {
  try {
    return parseExpire(text)
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `--for is "${text}", expected a time such as 4h or 2d`, { cause })
  }
}

function describeAlarm(alarm: AlarmFactsFragment): string {
  const { id, kind, severity, since, clearedAt, message, action, acknowledged } = alarm
  const lines = [
    `${severity} ${kind} since ${since} (${id})${clearedAt === null ? '' : `, cleared at ${clearedAt}`}`,
    message,
    ...(clearedAt === null ? [`Do: ${action}`] : []),
    ...(acknowledged
      ? [`Acknowledged by ${acknowledged.by} until ${acknowledged.until}: ${acknowledged.why}`]
      : []),
  ]
  return lines.join('\n  ')
}
