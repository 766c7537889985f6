/** The kinds of proc that lain.yaml knows. */
const TYPES: readonly string[] = ['web', 'worker', 'oneshot', 'portal']
/** One part of a name, between two dots. */
const PART = /^[A-Za-z0-9][A-Za-z0-9_-]*$/

export interface ProcName {
  /** `hello.web.web` */
  name: string
  /** `web` */
  shortName: string
}

export function isAppName(text: string): boolean {
  return text.length <= 100 && text.split('.').every((part) => PART.test(part))
}

/** `web` → `shop.web.web`, `worker.mail` → `shop.worker.mail`, `shop.worker.mail` as it is; undefined for others. */
export function parseInventoryProc(app: string, key: string): ProcName | undefined {
  const own = key.startsWith(`${app}.`) ? key.slice(app.length + 1) : undefined
  return (
    (own === undefined ? undefined : makeProcName(app, own.split('.'), 2)) ??
    makeProcName(app, key.split('.'), 1)
  )
}

/**
 * The same for a section of lain.yaml: `proc.NAME` and `service.NAME` have the type given inside, by default worker.
 * undefined for a section that is not a proc.
 */
export function parseLainProc(app: string, key: string, type: string): ProcName | undefined {
  const [first = '', name] = key.split('.')
  const isOpen = (first === 'proc' || first === 'service') && name !== undefined
  return makeProcName(app, isOpen ? [type, name] : key.split('.'), 1)
}

function makeProcName(app: string, parts: string[], min: number): ProcName | undefined {
  const [type = '', shortName = type] = parts
  if (parts.length < min || parts.length > 2 || !PART.test(shortName) || !TYPES.includes(type))
    return undefined
  return { name: `${app}.${type}.${shortName}`, shortName }
}

/** `hello.web.web` → its app and name; undefined if it is not `<app>.<type>.<name>`. */
export function parseProcKey(key: string): { app: string; name: string } | undefined {
  const [app = '', type = '', name = '', ...more] = key.split('.')
  if (more.length > 0 || key.length > 200) return undefined
  return [app, type, name].every((part) => PART.test(part)) ? { app, name } : undefined
}
