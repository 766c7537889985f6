import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { BackupdError } from '../lib/errors.ts'
import type { StoreSettings } from '../wire/store-settings.ts'
import { parseS3Flags, S3_OPTIONS, type S3Flags } from './s3-flags.ts'
import { localDirFlag } from './shared-flags.ts'

export interface StoreFlags extends S3Flags {
  backupDriver: string
  backupMoosefsDir: string
  backupLocalDir?: string
}

interface DriverFlags<Settings> {
  options: readonly Option[]
  read(flags: StoreFlags): Settings
}

/** The flags of each driver of open-driver.ts. The type check names a driver that is missing here. */
const DRIVERS: { [Name in StoreSettings['driver']]: DriverFlags<StoreSettings & { driver: Name }> } = {
  moosefs: {
    options: [
      new Option(
        '--backup-moosefs-dir <dir>',
        'the store of the moosefs driver, on a mounted MooseFS',
      ).default('/mfs/lain/backup'),
    ],
    read: ({ backupMoosefsDir }) => ({ driver: 'moosefs', dir: resolve(backupMoosefsDir) }),
  },
  local: {
    options: [localDirFlag('the store of the local driver (standalone: <data>/store)')],
    read: ({ backupLocalDir }) => ({ driver: 'local', dir: resolve(needed(backupLocalDir)) }),
  },
  s3: { options: S3_OPTIONS, read: parseS3Flags },
}

const NAMES = Object.keys(DRIVERS)
  .join(', ')
  .replace(/, (?=[^,]*$)/, ' or ')

/**
 * Adds the flags of a daemon that name its store.
 * @param usual the driver without --backup-driver
 */
export function addStoreFlags(command: Command, usual: StoreSettings['driver']): Command {
  command.option('--backup-driver <name>', `where backups go: ${NAMES}`, usual)
  for (const { options } of Object.values(DRIVERS)) for (const option of options) command.addOption(option)
  return command
}

/** Throws BAD_INPUT for an unknown driver, and for one that lacks a flag. */
export function parseStore(flags: StoreFlags): StoreSettings {
  const { backupDriver } = flags
  if (flags.storeQuota !== undefined && backupDriver !== 's3')
    throw new BackupdError(
      'BAD_INPUT',
      '--store-quota is for --backup-driver s3: the other drivers know their free room',
    )
  if (isDriver(backupDriver)) return DRIVERS[backupDriver].read(flags)
  throw new BackupdError('BAD_INPUT', `--backup-driver is "${backupDriver}": write ${NAMES}`)
}

function isDriver(name: string): name is StoreSettings['driver'] {
  return Object.hasOwn(DRIVERS, name)
}

function needed(localDir: string | undefined): string {
  if (localDir) return localDir
  throw new BackupdError(
    'BAD_INPUT',
    '--backup-driver local needs --backup-local-dir DIR: the directory to keep backups in',
  )
}
