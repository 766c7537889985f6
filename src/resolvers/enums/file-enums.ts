import { registerEnumType } from 'type-graphql'

export const FileType = {
  FILE: 'file',
  DIRECTORY: 'directory',
  SYMLINK: 'symlink',
  HARDLINK: 'hardlink',
  FIFO: 'fifo',
  CHARDEV: 'chardev',
  BLOCKDEV: 'blockdev',
} as const
export type FileType = (typeof FileType)[keyof typeof FileType]
registerEnumType(FileType, { name: 'FileType', description: 'What kind of entry a path is.' })

export const FileChangeKind = {
  ADDED: 'added',
  REMOVED: 'removed',
  CONTENT: 'content',
  METADATA: 'metadata',
  TYPE: 'type',
} as const
export type FileChangeKind = (typeof FileChangeKind)[keyof typeof FileChangeKind]
registerEnumType(FileChangeKind, {
  name: 'FileChangeKind',
  description: 'How a path differs between two snapshots.',
  valuesConfig: {
    ADDED: { description: 'Only the later snapshot has it.' },
    REMOVED: { description: 'Only the earlier snapshot has it.' },
    CONTENT: { description: 'Its bytes differ.' },
    METADATA: { description: 'Only its owner, mode, times or extended attributes differ.' },
    TYPE: { description: 'Its type differs: a directory was a file before, for example.' },
  },
})
