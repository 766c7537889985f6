import type { Expiry } from './expiry.ts'

/** How many are deleted at a time, so that backups that want to publish wait only for moments. */
const BATCH_SIZE = 100

/** Removes the hidden backups whose time has passed. What was restored or pinned since it was found stays. */
export async function freeHidden({ store, run, expired }: Expiry): Promise<void> {
  const { due, kept, listed } = await store.listDueHidden()
  for (const why of kept) run.reportKept(why)
  if (due.length > 0) {
    await run.announce()
    run.log('info', `${due.length} deleted backups can no longer be restored, and are removed`, { due })
  }
  const stillDue = async () => (await store.listDueHidden()).due
  for (let at = 0; at < due.length; at += BATCH_SIZE)
    expired.deleted.push(...(await store.remove(due.slice(at, at + BATCH_SIZE), stillDue)))
  if (listed) await store.countHidden()
}
