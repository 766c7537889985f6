import { BackupdError } from '../../../lib/errors.ts'
import { judgeSignature } from '../../../store/manifest-signer.ts'
import { readSigners, readSigningKey } from '../../../store/signing-files.ts'
import type { StoredBackup } from '../../../store/stored-backup.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RunContext } from '../../plugin.ts'

const HOW = 'To recover it anyway, send acceptUnsigned: true through GraphQL'

/**
 * Compares a full backup with the signature of the daemon that wrote it, before anything of it is used. Only an enrolled
 * daemon does: others know no authority. Throws SIGNATURE_BAD or UNSIGNED unless `acceptUnsigned`.
 */
export async function checkSignature(
  { info, signed }: Pick<StoredBackup, 'info' | 'signed'>,
  { acceptUnsigned = false }: Pick<RecoverArgs, 'acceptUnsigned'>,
  { settings, warn }: Pick<RunContext, 'settings' | 'warn'>,
): Promise<void> {
  const isEnrolled = (await readSigningKey(settings.dataDir)) !== undefined
  const signers = isEnrolled ? await readSigners(settings.dataDir) : undefined
  if (!signed || !signers) return
  const { server: namespace, name, created } = info
  const verdict = judgeSignature({ ...signed, namespace, name, created }, signers)
  const facts = { name, server: namespace }
  if (verdict.state === 'unknown')
    warn(`the backup is not signed, and nobody said here whether the daemon of ${namespace} signs`)
  if (verdict.state === 'before')
    warn(`the backup is not signed: it is from before ${verdict.since}, since when its daemon signs`)
  if (verdict.state === 'unsigned')
    refuseUnlessAccepted('UNSIGNED', `it is not signed, and its daemon signs since ${verdict.since}`)
  if (verdict.state === 'altered') refuseUnlessAccepted('SIGNATURE_BAD', verdict.why)

  function refuseUnlessAccepted(code: 'UNSIGNED' | 'SIGNATURE_BAD', why: string): void {
    if (!acceptUnsigned) throw new BackupdError(code, `${why}. ${HOW}`, { facts })
    warn(`the backup is recovered as asked for with acceptUnsigned, although ${why}`)
  }
}
