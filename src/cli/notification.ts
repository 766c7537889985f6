import { Command } from 'commander'
import {
  type NotificationFactsFragment,
  NotificationsDocument,
  TestNotificationDocument,
} from '../client/generated/operations.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print } from './print.ts'
import { formatTable } from './table.ts'

export function notificationCommand(): Command {
  const list = addClientFlags(new Command('list'))
    .description('Lists what was sent about alarms and what was answered, the newest first, 100 at most.')
    .option('--sink <name>', 'only to this sink')
    .action(listNotifications)
  const test = addClientFlags(new Command('test'))
    .description('Sends a test to a sink of the settings. It takes an admin.')
    .argument('<sink>', 'the name of the sink')
    .action(testSink)
  return new Command('notification')
    .description('Shows what a running controller tells about alarms, and tests where it goes.')
    .addCommand(list)
    .addCommand(test)
}

const MAX_LISTED = 100

async function listNotifications({ sink, ...client }: ClientFlags & { sink?: string }): Promise<void> {
  const filter = sink === undefined ? {} : { sink }
  const execute = await connectToController(client)
  const { notifications } = await execute(NotificationsDocument, { filter, first: MAX_LISTED })
  if (client.json) return print(`${JSON.stringify(notifications.nodes)}\n`)
  if (notifications.nodes.length === 0) return print('Nothing was sent yet.\n')
  const head = ['made', 'sink', 'event', 'alarm', 'state', 'tries', 'answer']
  print(`${formatTable(head, notifications.nodes.map(toRow))}\n`)
}

function toRow({ createdAt, sink, event, alarm, state, attempts, answer }: NotificationFactsFragment) {
  return [createdAt, sink, event, alarm?.kind ?? '', state, attempts, answer ?? '']
}

async function testSink(sink: string, client: ClientFlags): Promise<void> {
  const execute = await connectToController(client)
  const { testNotification: sent } = await execute(TestNotificationDocument, { sink })
  if (client.json) return print(`${JSON.stringify(sent)}\n`)
  print(
    `A test for "${sent.sink}" is on its way (${sent.id}): "backupd notification list" has what it answered.\n`,
  )
}
