// Arguments that several fields share, with their descriptions.

/** @param defaultValue the page size if the argument is left out */
export function pageSize(defaultValue: number) {
  return { nullable: true, defaultValue, description: 'How many items to return: 1 to 500.' }
}

export const AFTER = {
  nullable: true,
  description: 'Continues after this cursor: the `endCursor` of the previous page.',
}
export const PROC = { description: 'A proc: `web` or the full name.' }
export const DRILLED = {
  nullable: true,
  description: 'Of an increment: the id of the snapshot, or its beginning. By default, the newest good one.',
}
export const SERVER = {
  nullable: true,
  description:
    'The server in whose folder the backup lies. Required if several servers have a backup of that name.',
}
