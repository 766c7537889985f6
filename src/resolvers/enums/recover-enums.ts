import { registerEnumType } from 'type-graphql'

export const InUse = { REFUSE: 'refuse', PROCEED: 'proceed' } as const
export type InUse = (typeof InUse)[keyof typeof InUse]
registerEnumType(InUse, {
  name: 'InUse',
  description:
    'What to do if processes use the volume. PROCEED: recover anyway, with a warning that names them.',
})

export const OnRefusedRename = { REFUSE: 'refuse', IN_PLACE: 'in-place' } as const
export type OnRefusedRename = (typeof OnRefusedRename)[keyof typeof OnRefusedRename]
registerEnumType(OnRefusedRename, {
  name: 'OnRefusedRename',
  description:
    'What to do if the file system refuses to swap the content by renames. IN_PLACE: remove the old content and copy the new; this cannot be undone after it has begun.',
})

export const RecoverAction = {
  CREATE: 'create',
  OVERWRITE: 'overwrite',
  METADATA: 'metadata',
  DELETE: 'delete',
} as const
export type RecoverAction = (typeof RecoverAction)[keyof typeof RecoverAction]
registerEnumType(RecoverAction, {
  name: 'RecoverAction',
  description:
    'What a recover would do with a path. METADATA: what is there differs only in mode, owner or attributes, or a link in its time.',
})
