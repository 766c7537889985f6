import { parseShape } from '../../wire/json.ts'
import { keepOldSchema } from '../../wire/kept-old.ts'

/** @param text milliseconds */
export function readKeepOld(text: string | undefined): { keepOldMs?: number } {
  if (text === undefined) return {}
  return { keepOldMs: parseShape('The field "keepOld" (milliseconds)', Number(text), keepOldSchema) }
}
