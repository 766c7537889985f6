import { printValue } from '../wire/ids.ts'
import { isProcNamed } from '../wire/proc-names.ts'
import type { Fields } from './fields.ts'

const PREFIX = 'args_'

/** Whether args are what `args_<name>=<value>` asks for; a name given many times means any of. `proc` may be written as isProcNamed() takes it. */
export function argsFit(args: Readonly<Record<string, unknown>>, fields: Fields): boolean {
  return fields.names.every((name) => {
    if (!name.startsWith(PREFIX)) return true
    const key = name.slice(PREFIX.length)
    const printed = Object.hasOwn(args, key) ? printValue(args[key]) : ''
    const wanted = fields.list(name)
    return wanted.includes(printed) || (key === 'proc' && wanted.some((asked) => isProcNamed(printed, asked)))
  })
}

export function hasArgsFilter(fields: Fields): boolean {
  return fields.names.some((name) => name.startsWith(PREFIX))
}

/** Whether a field is what is asked for; one that is not asked for is. */
export function fits(fields: Fields, name: string, value: string): boolean {
  const wanted = fields.list(name)
  return wanted.length === 0 || wanted.includes(value)
}
