import { BackupdError, hasCode } from '../lib/errors.ts'

/** Says in STORE_FULL how to delete what the store has no room to hide. */
export async function orOfferNow(hide: () => Promise<void>): Promise<void> {
  try {
    await hide()
  } catch (cause) {
    if (!hasCode(cause, 'STORE_FULL')) throw cause
    const message = `Cannot delete backups so that it can be undone: ${cause.message}. Delete them with "now: true", which frees their room at once`
    throw new BackupdError('STORE_FULL', message, { cause })
  }
}
