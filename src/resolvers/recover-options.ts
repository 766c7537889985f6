import type { MigrateOptions, RecoverOptions } from '../domain/recover.ts'
import { parseExpire } from '../lib/durations.ts'
import { BackupdError } from '../lib/errors.ts'
import { keepOldSchema } from '../wire/kept-old.ts'
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
  const {
    app,
    proc,
    backup,
    server,
    snapshot,
    files,
    inUse,
    onRefusedRename,
    plan,
    planHash,
    keepOld,
    acceptUnsigned,
  } = input
  return {
    backup: { app, proc, name: backup, server: optionalText('server', server) },
    snapshot: optionalText('snapshot', snapshot),
    files: files ?? undefined,
    inUse: inUse ?? 'refuse',
    onRefusedRename: onRefusedRename ?? 'refuse',
    plan: plan ?? false,
    planHash: planHash ?? undefined,
    keepOldMs: parseKeepOld(keepOld),
    acceptUnsigned: acceptUnsigned ?? false,
  }
}

/** Throws BAD_INPUT. */
export function parseKeepOld(text: string | null | undefined): number | undefined {
  if (text == null) return undefined
  const ms = keepOldSchema.safeParse(/^\d{1,9}[mhd]$/.test(text) ? parseExpire(text) : Number.NaN)
  if (ms.success) return ms.data
  const what = `"keepOld" is ${JSON.stringify(text.slice(0, 100))}`
  throw new BackupdError('BAD_INPUT', `${what}, expected a time from 1m to 30d, such as 24h`)
}

export function toMigrateOptions(input: MigrateInput): MigrateOptions {
  const { to, volume, confirmVolume } = input
  return { ...toVolumeOptions(input), to, volume, confirmVolume: confirmVolume ?? undefined }
}
