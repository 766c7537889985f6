import type { MigrateOptions, RecoverOptions } from '../domain/recover.ts'
import { optionalText } from './filters.ts'
import type { MigrateInput, RecoverInput, VolumeRecoverInput } from './types/inputs.ts'

export function toRecoverOptions(input: RecoverInput): RecoverOptions {
  const { toDirectory, toServer } = input
  return {
    ...toVolumeOptions(input),
    toDirectory: toDirectory ?? undefined,
    toServer: optionalText('toServer', toServer),
  }
}

function toVolumeOptions(input: VolumeRecoverInput): RecoverOptions {
  const { app, proc, backup, server, snapshot, files, inUse, onRefusedRename, plan, planHash } = input
  return {
    backup: { app, proc, name: backup, server: optionalText('server', server) },
    snapshot: optionalText('snapshot', snapshot),
    files: files ?? undefined,
    inUse: inUse ?? 'refuse',
    onRefusedRename: onRefusedRename ?? 'refuse',
    plan: plan ?? false,
    planHash: planHash ?? undefined,
  }
}

export function toMigrateOptions(input: MigrateInput): MigrateOptions {
  const { to, volume, confirmVolume } = input
  return { ...toVolumeOptions(input), to, volume, confirmVolume: confirmVolume ?? undefined }
}
