import {
  type ArgType,
  type ColumnType,
  ColumnTypeEnum,
  DriverAdapterError,
  type MappedError,
} from '@prisma/driver-adapter-utils'

/** What SQLite stores, and what a message to a thread can carry. */
export type SqlValue = null | string | number | bigint | Uint8Array

/** An error of SQLite as it passes between threads; `code` is missing if better-sqlite3 refused the call. */
export interface SqlFailure {
  code?: string | undefined
  message: string
}

/** The declared types that our schema uses. The values decide for other columns, such as counts. */
const COLUMN_TYPES: Readonly<Record<string, ColumnType>> = {
  TEXT: ColumnTypeEnum.Text,
  INTEGER: ColumnTypeEnum.Int32,
  BIGINT: ColumnTypeEnum.Int64,
  BOOLEAN: ColumnTypeEnum.Boolean,
  REAL: ColumnTypeEnum.Double,
  BLOB: ColumnTypeEnum.Bytes,
}

/** Prisma's argument → what SQLite stores. */
export function toSqlValue(arg: unknown, { scalarType }: ArgType): SqlValue {
  if (typeof arg === 'boolean') return arg ? 1 : 0
  if (arg instanceof Date) return arg.toISOString().replace('Z', '+00:00')
  if (typeof arg === 'string') return parseText(arg, scalarType)
  return arg as SqlValue
}

/** Prisma passes large numbers and bytes as text. */
function parseText(arg: string, scalarType: ArgType['scalarType']): SqlValue {
  switch (scalarType) {
    case 'int':
      return Number.parseInt(arg, 10)
    case 'float':
    case 'decimal':
      return Number.parseFloat(arg)
    case 'bigint':
      return BigInt(arg)
    case 'datetime':
      return toSqlValue(new Date(arg), { scalarType, arity: 'scalar' })
    case 'bytes':
      return Buffer.from(arg, 'base64')
    default:
      return arg
  }
}

/** @param declared as in CREATE TABLE; null for an expression */
export function findColumnType(declared: string | null, column: number, rows: SqlValue[][]): ColumnType {
  const known = COLUMN_TYPES[declared?.toUpperCase() ?? '']
  if (known !== undefined) return known
  const value = rows.find((row) => row[column] !== null)?.[column] ?? null
  if (typeof value === 'string') return ColumnTypeEnum.Text
  if (typeof value === 'bigint') return ColumnTypeEnum.Int64
  if (typeof value === 'number') return ColumnTypeEnum.UnknownNumber
  return value === null ? ColumnTypeEnum.Int32 : ColumnTypeEnum.Bytes
}

/** As Prisma reads them: integers beyond 2^53 are texts. Changes the row. */
export function toPrismaRow(row: SqlValue[]): SqlValue[] {
  for (let n = 0; n < row.length; n++) {
    const value = row[n]
    if (typeof value !== 'bigint') continue
    const short = Number(value)
    row[n] = Number.isSafeInteger(short) ? short : value.toString()
  }
  return row
}

/** The error that Prisma expects of an adapter, which keeps code and message of SQLite. */
export function toAdapterError({ code, message }: SqlFailure): Error {
  if (code === undefined) return new Error(message)
  return new DriverAdapterError({
    originalCode: code,
    originalMessage: message,
    ...mapFailure(code, message),
  })
}

function mapFailure(code: string, message: string): MappedError {
  switch (code) {
    case 'SQLITE_CONSTRAINT_UNIQUE':
    case 'SQLITE_CONSTRAINT_PRIMARYKEY':
      return { kind: 'UniqueConstraintViolation', constraint: { fields: listColumns(message) } }
    case 'SQLITE_CONSTRAINT_NOTNULL':
      return { kind: 'NullConstraintViolation', constraint: { fields: listColumns(message) } }
    case 'SQLITE_CONSTRAINT_FOREIGNKEY':
    case 'SQLITE_CONSTRAINT_TRIGGER':
      return { kind: 'ForeignKeyConstraintViolation', constraint: { foreignKey: {} } }
    default:
      return code.startsWith('SQLITE_BUSY')
        ? { kind: 'SocketTimeout' }
        : { kind: 'sqlite', extendedCode: 1, message }
  }
}

/** `UNIQUE constraint failed: Backup.server, Backup.name` → `server`, `name` */
function listColumns(message: string): string[] {
  const columns = message.split('constraint failed: ')[1]?.split(', ') ?? []
  return columns.map((column) => column.split('.').at(-1) ?? column)
}
