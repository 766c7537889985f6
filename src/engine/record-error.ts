import { isErrorCode } from '../lib/error-codes.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { findSystemErrorCode } from '../lib/system-errors.ts'
import type { RecordError } from '../wire/record.ts'

/** Converts a thrown value to the form kept in records; unknown errors become INTERNAL. */
export function toRecordError(error: unknown): RecordError {
  if (error instanceof BackupdError) return { code: error.code, message: error.message, facts: error.facts }
  return { code: findSystemErrorCode(error) ?? 'INTERNAL', message: messageOf(error), facts: {} }
}

export function fromRecordError({ code, message, facts }: RecordError): BackupdError {
  return new BackupdError(isErrorCode(code) ? code : 'INTERNAL', message, { facts })
}
