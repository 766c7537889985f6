import { printValue } from '../wire/ids.ts'
import { isProcNamed } from '../wire/proc-names.ts'
import type { RequestFields } from '../wire/request-fields.ts'

const PREFIX = 'args_'

/** Whether args match all `args_<name>=<value>`. A repeated name means any of the values; `proc` uses isProcNamed(). */
export function argsMatch(args: Readonly<Record<string, unknown>>, fields: RequestFields): boolean {
  return fields.names.every((name) => {
    if (!name.startsWith(PREFIX)) return true
    const key = name.slice(PREFIX.length)
    const printed = Object.hasOwn(args, key) ? printValue(args[key]) : ''
    const wanted = fields.list(name)
    return wanted.includes(printed) || (key === 'proc' && wanted.some((asked) => isProcNamed(printed, asked)))
  })
}

export function hasArgsFilter(fields: RequestFields): boolean {
  return fields.names.some((name) => name.startsWith(PREFIX))
}

/** Whether a value matches the filter field `name`; without such a field it does. */
export function fieldMatches(fields: RequestFields, name: string, value: string): boolean {
  const wanted = fields.list(name)
  return wanted.length === 0 || wanted.includes(value)
}
