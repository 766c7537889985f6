import { BackupdError } from '../../../lib/errors.ts'
import type { StoreOptions } from '../../../store/open-store.ts'
import type { Reader, StoredBackup } from '../../../store/stored-backup.ts'
import type { RecoverArgs } from '../../../wire/job.ts'
import type { RunContext } from '../../plugin.ts'
import { openRunStore } from '../open-run-store.ts'
import { checkSignature } from './check-signature.ts'

export async function openBackupToRecover(
  args: Pick<RecoverArgs, 'namespace' | 'backup' | 'acceptUnsigned'>,
  context: RunContext,
  options: StoreOptions = {},
): Promise<StoredBackup> {
  const { namespace, backup } = args
  const store = await openRunStore(context, (message) => context.warn(message), options)
  const found = await store.find(namespace, backup, { trustsManifest: true })
  if (found) {
    await checkSignature(found, args, context)
    return found
  }
  throw new BackupdError('NOT_FOUND', `it does not exist in the namespace ${namespace}`)
}

export function createReader(context: RunContext): Reader {
  const { settings, signal } = context
  return { dataDir: settings.dataDir, signal, warn: (message) => context.warn(message) }
}
