import { join } from 'node:path'
import { BackupdError } from '../../../lib/errors.ts'
import { judgeSignature, type SignatureVerdict } from '../../../store/manifest-signer.ts'
import { readSigners, readSigningKey, SIGNERS_FILE } from '../../../store/signing-files.ts'
import type { StoredBackup } from '../../../store/stored-backup.ts'
import { type BackupInfo, hasUnreadableManifest, isMirror } from '../../../wire/backup.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { Signers } from '../../../wire/manifest-signature.ts'
import type { RunContext } from '../../plugin.ts'

const HOW = 'To recover it anyway, send acceptUnsigned: true through GraphQL'
const INNOCENT =
  'Somebody removed its signature in the store, or an older version of the daemon wrote it or its manifest, or the daemon was not enrolled for a while'

/** What each run was warned of: a drill opens its backup several times. */
const told = new WeakMap<RunContext['warn'], Set<string>>()

/**
 * Compares a full backup with the signature of the daemon that wrote it, before anything of it is used. Only an enrolled
 * daemon does: others know no authority. Throws SIGNATURE_BAD or UNSIGNED, or BAD_INPUT if the daemon has lost whose signatures
 * count, unless `acceptUnsigned`. Mirrors and series have no signature; of a mirror it warns.
 */
export async function checkSignature(
  { info, signed }: Pick<StoredBackup, 'info' | 'signed'>,
  { acceptUnsigned = false }: Pick<RecoverArgs, 'acceptUnsigned'>,
  { settings, warn }: Pick<RunContext, 'settings' | 'warn'>,
): Promise<void> {
  if (!signed && !isMirror(info)) return
  if ((await readSigningKey(settings.dataDir)) === undefined) return
  if (!signed) {
    warnOnce(warn, 'the backup is a mirror of the legacy system: mirrors are not signed')
    return
  }
  const { server: namespace, name, created } = info
  try {
    const signers = await readKnownSigners(settings.dataDir)
    const verdict = judgeSignature({ ...signed, namespace, name, created }, signers)
    const doubt = judgeDoubt(verdict, info)
    if (doubt !== undefined) warnOnce(warn, doubt)
  } catch (error) {
    if (!(error instanceof BackupdError)) throw error
    const { code, message, cause } = error
    const facts = { name, server: namespace }
    if (!acceptUnsigned) throw new BackupdError(code, `${message}. ${HOW}`, { facts, cause })
    warnOnce(warn, `the backup is recovered as asked for with acceptUnsigned, although ${message}`)
  }
}

function warnOnce(warn: RunContext['warn'], text: string): void {
  const known = told.get(warn) ?? new Set()
  if (known.has(text)) return
  told.set(warn, known.add(text))
  warn(text)
}

async function readKnownSigners(dataDir: string): Promise<Signers> {
  const signers = await readSigners(dataDir)
  if (signers) return signers
  const message = `${join(dataDir, SIGNERS_FILE)}, which says whose signatures count, is missing: the problems of the daemon say why`
  throw new BackupdError('BAD_INPUT', message)
}

/** Returns a warning, if there is one. Throws UNSIGNED or SIGNATURE_BAD. */
function judgeDoubt(verdict: SignatureVerdict, info: BackupInfo): string | undefined {
  const why = hasUnreadableManifest(info)
    ? `${info.corrupt}, so nobody can say whether it is signed`
    : undefined
  const { state } = verdict
  if (state === 'altered') throw new BackupdError('SIGNATURE_BAD', verdict.why)
  if (state === 'unsigned') {
    const since = `its daemon signs since ${verdict.since}`
    throw new BackupdError(
      'UNSIGNED',
      why ? `${why}, and ${since}` : `it is not signed, and ${since}. ${INNOCENT}`,
    )
  }
  if (state === 'before')
    return `${why ?? 'the backup is not signed'}: it is from before ${verdict.since}, since when its daemon signs`
  if (state === 'unknown')
    return `${why ?? 'the backup is not signed'}, and nobody said here whether the daemon of ${info.server} signs`
  return undefined
}
