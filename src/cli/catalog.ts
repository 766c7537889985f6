import { Command } from 'commander'
import { RebuildCatalogDocument, type RebuildCatalogMutation } from '../client/generated/operations.ts'
import { BackupdError } from '../lib/errors.ts'
import { addClientFlags, type ClientFlags, connectToController } from './client-flags.ts'
import { collect } from './collect.ts'
import { print } from './print.ts'
import { formatTable } from './table.ts'

interface RebuildFlags extends ClientFlags {
  dryRun: boolean
  forget: string[]
}

export function catalogCommand(): Command {
  const rebuild = addClientFlags(new Command('rebuild'))
    .description('Makes the catalog of a running controller equal to the stores, dead servers included.')
    .option('--dry-run', 'only count the changes', false)
    .option('--forget <ip>', 'a server that is gone and whose folder was removed (repeatable)', collect, [])
    .action(rebuildCatalog)
  return new Command('catalog').description('Maintains the catalog of a controller.').addCommand(rebuild)
}

type RebuildAnswer = RebuildCatalogMutation['rebuildCatalog']

async function rebuildCatalog({ dryRun, forget, ...client }: RebuildFlags): Promise<void> {
  const execute = await connectToController(client)
  const { json } = client
  const rebuilt = (await execute(RebuildCatalogDocument, { dryRun, forget })).rebuildCatalog
  print(json ? `${JSON.stringify(rebuilt)}\n` : describeRebuilt(rebuilt))
  const unread = rebuilt.namespaces.filter(({ error }) => error !== null)
  if (unread.length === 0) return
  const names = unread.map(({ ip }) => ip).join(', ')
  throw new BackupdError(
    'STORE_UNAVAILABLE',
    `Not everything could be read: the catalog keeps what it had of ${names}`,
  )
}

function describeRebuilt({ dryRun, namespaces }: RebuildAnswer): string {
  const head = ['namespace', 'added', 'updated', 'removed', 'unchanged', 'unknown']
  const rows = namespaces.map(({ ip, added, updated, removed, unchanged, unknown }) => [
    ...[ip, added, updated, removed, unchanged],
    unknown?.count ?? '?',
  ])
  const more = namespaces.flatMap(({ ip, unknown, error }) => [
    ...(error === null ? [] : [`${ip}: ${error}`]),
    ...(unknown?.count
      ? [`${ip}: unknown, and left alone: ${unknown.names.map(quoted).join(', ')}${rest(unknown)}`]
      : []),
  ])
  const done = dryRun ? ['Changes were only counted.'] : []
  return `${[formatTable(head, rows), ...more, ...done].join('\n')}\n`
}

/** Quotes a name from a store, which can contain anything, even control characters. */
function quoted(name: string): string {
  return JSON.stringify(name)
}

function rest({ count, names }: { count: number; names: string[] }): string {
  return count > names.length ? ` and ${count - names.length} more` : ''
}
