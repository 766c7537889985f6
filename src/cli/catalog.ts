import { Command } from 'commander'
import { ControllerError } from '../client/execute.ts'
import { executeOverHttp } from '../client/execute-over-http.ts'
import { RebuildCatalogDocument, type RebuildCatalogMutation } from '../client/generated/operations.ts'
import { isErrorCode } from '../lib/error-codes.ts'
import { BackupdError } from '../lib/errors.ts'
import { collect } from './collect.ts'
import { print } from './print.ts'
import { formatTable } from './table.ts'

interface RebuildFlags {
  url: string
  dryRun: boolean
  json: boolean
  forget: string[]
}

export function catalogCommand(): Command {
  const rebuild = new Command('rebuild')
    .description('Makes the catalog of a running controller equal to the stores, dead servers included.')
    .option('--dry-run', 'only count the changes', false)
    .option('--url <url>', 'the controller', 'http://127.0.0.1:9002')
    .option('--forget <ip>', 'a server that is gone and whose folder was removed (repeatable)', collect, [])
    .option('--json', "print the controller's answer as JSON", false)
    .action(rebuildCatalog)
  return new Command('catalog').description('Maintains the catalog of a controller.').addCommand(rebuild)
}

type RebuildAnswer = RebuildCatalogMutation['rebuildCatalog']

async function rebuildCatalog({ url, json, ...request }: RebuildFlags): Promise<void> {
  const rebuilt = await requestRebuild(url, request)
  print(json ? `${JSON.stringify(rebuilt)}\n` : describeRebuilt(rebuilt))
  const unread = rebuilt.namespaces.filter(({ error }) => error !== null)
  if (unread.length === 0) return
  const names = unread.map(({ ip }) => ip).join(', ')
  throw new BackupdError(
    'STORE_UNAVAILABLE',
    `Not everything could be read: the catalog keeps what it had of ${names}`,
  )
}

async function requestRebuild(
  url: string,
  request: Pick<RebuildFlags, 'dryRun' | 'forget'>,
): Promise<RebuildAnswer> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new BackupdError('BAD_INPUT', `--url is ${JSON.stringify(url)}: write it as http://10.0.0.1:9002`)
  try {
    return (await executeOverHttp(url)(RebuildCatalogDocument, request)).rebuildCatalog
  } catch (error) {
    if (!(error instanceof ControllerError)) throw error
    const code = isErrorCode(error.code) ? error.code : 'INTERNAL'
    throw new BackupdError(code, error.message, { cause: error })
  }
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
