import { BackupdError } from '../../lib/errors.ts'

export function noSuchPath(path: string): BackupdError {
  return new BackupdError('NOT_FOUND', `There is no ${JSON.stringify(path)} in the backup`)
}

/** @param type of the entry that is there instead */
export function notAFile(path: string, type: string): BackupdError {
  const what = `${JSON.stringify(path)} is a ${type}, not a file: only files have content to read`
  return new BackupdError('BAD_INPUT', what)
}
