type ColumnValue = string | number | bigint

/** A table as its lists read it: sorted by a key, the highest first. */
export interface ListTable {
  name: 'Record' | 'Backup'
  key: string
  /** Tells rows with the same key apart; the key itself if it is unique. */
  id: string
  /**
   * The indexes that a filter may use. Each has these columns, then the key. Every column that a filter names is in one of
   * them.
   */
  indexes: readonly (readonly string[])[]
  /** The columns of indexes that may be NULL. */
  nullable: ReadonlySet<string>
  /** The list has only the rows of this index, which is sorted by the key. Then `indexes` is empty. */
  partial?: { index: string; where: string }
}

/** Which rows a list has. All conditions must be met. */
export interface ListConditions {
  /** The values that a column may have. */
  columns: ReadonlyMap<string, readonly ColumnValue[]>
  bounds: readonly Bound[]
  /** The list continues after this row. `id` is missing if the key is unique. */
  after?: { key: string; id?: string } | undefined
}

export interface Bound {
  column: string
  gte?: string
  lt?: string
}

export const RECORD_LISTS: ListTable = {
  name: 'Record',
  key: 'startKey',
  id: 'rid',
  indexes: [
    ['jobId'],
    ['app', 'proc'],
    ['app'],
    ['server'],
    ['volume', 'instanceNo'],
    ['state', 'action', 'mode'],
  ],
  nullable: new Set(['instanceNo']),
}

export const BACKUP_LISTS: ListTable = {
  name: 'Backup',
  key: 'createdKey',
  id: 'createdKey',
  indexes: [['name'], ['app', 'proc'], ['app'], ['server'], ['mode', 'volume', 'instanceNo']],
  nullable: new Set(),
}

/** Of one volume of one instance on one server. */
export const VOLUME_BACKUP_LISTS: ListTable = {
  ...BACKUP_LISTS,
  key: 'sequenceKey',
  id: 'sequenceKey',
  indexes: [['server', 'app', 'proc', 'volume', 'instanceNo']],
}

/** Those that something keeps, or whose manifest cannot be read, as hasUnreadableManifest says. Few among all. */
export const HELD_BACKUP_LISTS: ListTable = {
  ...BACKUP_LISTS,
  indexes: [],
  partial: {
    index: 'Backup_kept_idx',
    where: `(n."holds" <> '[]' OR (n."corrupt" IS NOT NULL AND n."rid" IS NULL AND n."series" IS NULL))`,
  },
}

/** Conditions without duplicates; undefined means any value. */
export function makeColumns(
  columns: Readonly<Record<string, ColumnValue | readonly ColumnValue[] | undefined>>,
): ListConditions['columns'] {
  const given = Object.entries(columns).filter(([, values]) => values !== undefined)
  return new Map(given.map(([column, values]) => [column, [...new Set([values as ColumnValue[]].flat())]]))
}

/** The values that are allowed by both; undefined allows any. */
export function narrowValues(
  value: string | undefined,
  allowed: readonly string[] | undefined,
): readonly string[] | undefined {
  if (value === undefined || value === '') return allowed
  return allowed === undefined || allowed.includes(value) ? [value] : []
}
