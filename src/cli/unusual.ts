import { Command } from 'commander'
import type { Execute } from '../client/execute.ts'
import {
  AcknowledgeUnusualDocument,
  BackupsWithHoldsDocument,
  type BackupsWithHoldsQuery,
  UnusualVolumesDocument,
  type UnusualVolumesQuery,
} from '../client/generated/operations.ts'
import { isUnusualHold, parseUnusualHold } from '../wire/hold.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { print } from './print.ts'

type FoundVolume = UnusualVolumesQuery['volumes']['nodes'][number]
type FoundBackup = BackupsWithHoldsQuery['backups']['nodes'][number]
type UnusualVolume = FoundVolume & { kept: FoundBackup[] }

/** What a volume can be, at worst, while one of its backups is unusual. */
const STATES = ['CORRUPT', 'NEVER', 'OVERDUE', 'FAILING', 'SUSPECT', 'PARTIAL', 'UNUSUAL'] as const
const VOLUMES_PER_PAGE = 100
const BACKUPS_PER_PAGE = 500

export function unusualCommand(): Command {
  const list = addClientFlags(new Command('list'))
    .description('Lists the volumes with unusual backups, and what is kept from before them.')
    .option('--app <app>', 'only volumes of this app')
    .action(listUnusual)
  const acknowledge = addClientFlags(new Command('acknowledge'))
    .description('Lets what is kept from before unusual backups expire again. It takes an operator.')
    .argument('<backup>', 'any backup of the volume and mode, by its name')
    .requiredOption('--app <app>', 'the app of the volume')
    .requiredOption('--proc <proc>', 'its proc: web, or the full name')
    .option('--server <ip>', 'the server of the backup, if several have one of that name')
    .action(acknowledgeUnusual)
  return new Command('unusual')
    .description('Shows unusual backups of a running controller, and acknowledges them.')
    .addCommand(list)
    .addCommand(acknowledge)
}

interface ListFlags extends ClientFlags {
  app?: string
}

async function listUnusual({ app, ...client }: ListFlags): Promise<void> {
  const execute = await connectToController(client)
  const volumes: UnusualVolume[] = []
  for await (const volume of findUnusual(execute, app))
    volumes.push({ ...volume, kept: await findKept(execute, volume) })
  if (client.json) return print(`${JSON.stringify(volumes)}\n`)
  if (volumes.length === 0) return print('No backup is unusual.\n')
  print(`${volumes.map(describeVolume).join('\n\n')}\n`)
}

async function* findUnusual(execute: Execute, app: string | undefined): AsyncGenerator<FoundVolume> {
  const filter = { states: [...STATES], ...(app !== undefined && { app }) }
  const read = (after: string | null) =>
    execute(UnusualVolumesDocument, { filter, first: VOLUMES_PER_PAGE, after })
  for (let page = await read(null); ; page = await read(page.volumes.pageInfo.endCursor ?? null)) {
    yield* page.volumes.nodes.filter(({ health }) => health.states.includes('UNUSUAL'))
    if (!page.volumes.pageInfo.hasNextPage) return
  }
}

/** What is kept may be the oldest backup of all. */
async function findKept(execute: Execute, found: FoundVolume): Promise<FoundBackup[]> {
  const { app, proc, instanceNo, name: volume, server } = found
  const filter = { app, proc, instanceNo, volume, server: server.ip }
  const read = (after: string | null) =>
    execute(BackupsWithHoldsDocument, { filter, first: BACKUPS_PER_PAGE, after })
  const kept: FoundBackup[] = []
  for (let page = await read(null); ; page = await read(page.backups.pageInfo.endCursor ?? null)) {
    kept.push(...page.backups.nodes.filter(({ holds }) => holds.some(isUnusualHold)))
    if (!page.backups.pageInfo.hasNextPage) return kept
  }
}

function describeVolume({ kept, ...volume }: UnusualVolume): string {
  const { proc, instanceNo, name, server } = volume
  const lines = kept.flatMap((backup) => describeKept(volume, backup))
  const all = lines.length > 0 ? lines : ['Nothing is kept from before it.']
  return [`${name} of ${proc} ${instanceNo} on ${server.ip}`, ...all].join('\n  ')
}

function describeKept({ app, proc, server }: FoundVolume, { name, holds }: FoundBackup): string[] {
  const unusual = holds.flatMap((text) => parseUnusualHold(text) ?? [])
  return [
    ...unusual.map(({ at, because }) => `${at}: ${because}`),
    `${name} is kept from before it. To let it expire:`,
    `backupd unusual acknowledge ${name} --app ${app} --proc ${proc} --server ${server.ip}`,
  ]
}

interface AcknowledgeFlags extends ClientFlags {
  app: string
  proc: string
  server?: string
}

async function acknowledgeUnusual(name: string, flags: AcknowledgeFlags): Promise<void> {
  const { app, proc, server = null, ...client } = flags
  const execute = await connectToController(client)
  const request = { app, proc, name, server }
  const { acknowledgeUnusual: kept } = await execute(AcknowledgeUnusualDocument, request)
  if (client.json) return print(`${JSON.stringify(kept)}\n`)
  if (kept.length === 0) return print('Nothing was kept: nothing about this volume and mode was unusual.\n')
  print(`${kept.map((backup) => `${backup.name} may expire again.`).join('\n')}\n`)
}
