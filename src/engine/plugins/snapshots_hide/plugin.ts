import { answering, openToAnswer } from '../answering.ts'

/** Deletes single snapshots of a series in the daemon's own namespace so that it can be undone: all are refused or none. */
export const snapshotsHidePlugin = answering(
  'hideSnapshots',
  async ({ name, snapshots, by, windowMs }, context) => {
    const store = await openToAnswer(context)
    return { deletedSnapshots: await store.snapshots.hide({ name, snapshots }, { by, windowMs }) }
  },
)
