import { resolve } from 'node:path'
import { Command } from 'commander'
import { AnonymousUsesDocument, EnforceAccessDocument } from '../client/generated/operations.ts'
import { ADMIN_TOKEN_FILE } from '../controller/admin-token.ts'
import { resetAdmin } from '../controller/reset-admin.ts'
import { systemClock } from '../lib/clock.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { createLog } from './log.ts'
import { print } from './print.ts'
import { dataFlag } from './shared-flags.ts'
import { formatTable } from './table.ts'

export function accessCommand(): Command {
  const check = addClientFlags(new Command('check'))
    .description('Lists who asked without a token since the start: whom "access enforce" would refuse.')
    .action(checkAccess)
  const enforce = addClientFlags(new Command('enforce'))
    .description(
      'Closes a controller whose data is from before tokens. It takes effect at once, and for good.',
    )
    .action(enforceAccess)
  const reset = new Command('reset')
    .description(
      'Ends all tokens for everything of a controller that is stopped; its next start creates one.',
    )
    .addOption(dataFlag('the directory of its catalog', '/var/lib/backupd'))
    .action(resetAccess)
  return new Command('access')
    .description('Closes a controller to callers without a token, or helps if its administrator is lost.')
    .addCommand(check)
    .addCommand(enforce)
    .addCommand(reset)
}

async function checkAccess(client: ClientFlags): Promise<void> {
  const { anonymousUses } = await (await connectToController(client))(AnonymousUsesDocument, {})
  if (client.json) return print(`${JSON.stringify(anonymousUses)}\n`)
  if (anonymousUses.length === 0)
    return print('Nobody has asked without a token since the controller started.\n')
  const rows = anonymousUses.map(({ address, request, count, lastAt }) => [address, request, count, lastAt])
  print(`${formatTable(['address', 'request', 'times', 'last'], rows)}\n`)
}

async function enforceAccess(client: ClientFlags): Promise<void> {
  const { enforceAccess: done } = await (await connectToController(client))(EnforceAccessDocument, {})
  if (client.json) return print(`${JSON.stringify(done)}\n`)
  print('Callers without a token may do nothing now, unless the controller was started with --anonymous.\n')
}

async function resetAccess({ data }: { data: string }): Promise<void> {
  const names = await resetAdmin(resolve(data), { log: createLog({ debug: false }), clock: systemClock })
  const ended = names.length === 0 ? 'There was no token for everything' : `Ended: ${names.join(', ')}`
  print(
    `${ended}. Start the controller: it leaves a new token in ${ADMIN_TOKEN_FILE} of its data directory.\n`,
  )
}
