import { bytesToText } from '../../../lib/byte-paths.ts'
import type { HeldVolume } from '../../../volume/held-volume.ts'
import { copyInPlace } from '../../../volume/swap/copy-in-place.ts'
import { discardStaging, prepareStaging, type Staging } from '../../../volume/swap/staging.ts'
import type { UnpackSummary } from '../../../volume/tree/unpack-summary.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RunContext } from '../../plugin.ts'
import { claimSettledVolume } from '../claim-settled-volume.ts'
import { warningText } from '../warning-text.ts'

export function mayCopy({ onRefusedRename }: RecoverArgs): boolean {
  return onRefusedRename === 'in-place'
}

/** Always warns, because a copy in place destroys the old content. */
export function warnOfCopy({ refusedRename }: Staging, warn: (message: string) => void): void {
  if (refusedRename === null) return
  warn(`${refusedRename}. The backup is copied in place as requested; once begun, this cannot be undone`)
}

/** Returns how many entries could not be restored exactly. */
export async function copy(context: RunContext, staging: Staging, summary: UnpackSummary): Promise<number> {
  const { root, faults: unpackFaults, bytes: bytesTotal, files: filesTotal } = summary
  context.progress({ phase: 'copy', bytesTotal, filesTotal, bytesDone: 0, filesDone: 0 })
  const { faults } = await copyInPlace({
    staging,
    root,
    unpackFaults,
    signal: context.signal,
    onWarning: (warning) => context.warn(warningText(warning)),
    onProgress: ({ bytes, files, path }) =>
      context.progress({ bytesDone: bytes, filesDone: files, currentPath: bytesToText(path) }),
  })
  return faults
}

/** For a plan: tries the renames as the recover would, then removes the staging folder again. */
export async function planCopy(
  args: RecoverArgs,
  context: RunContext,
  volume: HeldVolume,
): Promise<{ inPlace?: boolean }> {
  if (!mayCopy(args)) return {}
  await using claim = await claimSettledVolume(context, volume.path)
  await using staging = await prepareStaging(claim, { rid: context.rid, volume, mayCopy: true })
  warnOfCopy(staging, (message) => context.warn(`the recover would be a copy: ${message}`))
  await discardStaging(staging)
  return { inPlace: staging.refusedRename !== null }
}
