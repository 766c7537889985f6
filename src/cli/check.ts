import { resolve } from 'node:path'
import { Command } from 'commander'
import { checkInventoryFile, checkSettingsFile } from '../controller/inventory-source.ts'
import { byteText } from '../lib/byte-counts.ts'
import { BackupdError } from '../lib/errors.ts'
import type { Inventory, InventoryVolume } from '../wire/inventory.ts'
import { describeSettings } from './describe-settings.ts'
import { print } from './print.ts'
import { ipFlag, VOLUME_ROOT } from './shared-flags.ts'
import { formatTable } from './table.ts'

interface CheckFlags {
  ip: string
  volumeRoot: string
  settings?: string
}

export function checkCommand(): Command {
  return new Command('check')
    .description(
      'Checks an inventory file, a settings file or both, as the controller would read them. Changes nothing.',
    )
    .argument('[file]', 'the inventory, or a lain.yaml')
    .option('--settings <file>', 'the settings of a controller')
    .addOption(ipFlag('the server of a lain.yaml, which names none').default('127.0.0.1'))
    .addOption(VOLUME_ROOT)
    .action(checkFiles)
}

async function checkFiles(file: string | undefined, { settings, ...flags }: CheckFlags): Promise<void> {
  if (file === undefined && settings === undefined)
    throw new BackupdError(
      'BAD_INPUT',
      'No file is named: write "backupd check FILE" or "backupd check --settings FILE"',
    )
  if (file !== undefined) await checkInventory(file, flags)
  if (settings !== undefined) await checkSettings(settings)
}

/** Prints what is sent where, or throws BAD_INPUT with every problem, with line and column. */
async function checkSettings(file: string): Promise<void> {
  const news = await checkSettingsFile(resolve(file))
  if (news.kind === 'broken') throw new BackupdError('BAD_INPUT', news.problem)
  print(describeSettings(news.settings))
}

/** Prints what is backed up where, or throws BAD_INPUT with every problem, with line and column. */
async function checkInventory(file: string, { ip, volumeRoot }: Omit<CheckFlags, 'settings'>): Promise<void> {
  const news = await checkInventoryFile(resolve(file), ip)
  if (news.kind === 'broken') throw new BackupdError('BAD_INPUT', news.problem)
  print(describeInventory(news.inventory, volumeRoot))
}

/** One line for each volume, and the paths that each daemon must be allowed to use. */
export function describeInventory({ apps }: Inventory, volumeRoot: string): string {
  const volumes = apps.flatMap(({ procs }) =>
    procs.flatMap(({ name, instances }) =>
      instances.flatMap(({ no, server, volumes }) =>
        volumes.map((volume) => ({ proc: name, no, server, ...volume })),
      ),
    ),
  )
  const rows = volumes.map(({ server, proc, no, name, path, ...volume }) => [
    ...[server, proc, no, name, path ?? `below ${volumeRoot}`],
    describeSchedules(volume),
  ])
  const table =
    rows.length > 0 ? `${formatTable(['server', 'proc', 'no', 'volume', 'path', 'schedules'], rows)}\n` : ''
  const servers = Map.groupBy(
    volumes.flatMap(({ server, path }) => (path === null ? [] : [{ server, path }])),
    ({ server }) => server,
  )
  const flags = [...servers].map(
    ([server, own]) =>
      `  ${server}: ${[...new Set(own.map(({ path }) => `--allow-path ${path}`))].join(' ')}\n`,
  )
  const allow =
    flags.length > 0 ? `Daemons need these paths, or directories above them:\n${flags.join('')}` : ''
  const warning = volumes.length === 0 ? ' Nothing is backed up with it.' : ''
  return `${table}${allow}The inventory is valid: ${volumes.length} ${volumes.length === 1 ? 'volume' : 'volumes'}.${warning}\n`
}

function describeSchedules({ schedules, verify }: Pick<InventoryVolume, 'schedules' | 'verify'>): string {
  const backups = schedules.map(({ mode, spec, expire }) => `${mode} ${spec} (${expire})`)
  return [backups.join(', ') || 'no schedule', ...describeVerify(verify)].join(', ')
}

/** Only what differs from the defaults. */
function describeVerify(verify: InventoryVolume['verify']): string[] {
  if (verify === undefined) return []
  if (verify === 'off') return ['verify off']
  const { spec, withinDays, budgetBytes } = verify
  const limits = [
    ...(withinDays === undefined ? [] : [`within ${withinDays}d`]),
    ...(budgetBytes === undefined ? [] : [`budget ${byteText(budgetBytes)}`]),
  ]
  return [['verify', ...(spec === undefined ? [] : [spec]), ...limits].join(' ')]
}
