import { SYSTEM_APP } from '../../wire/find-app.ts'

const MAX_PATTERN = 200

/** Whether a text names apps: a name, or the beginning of names with a star at the end. */
export function isAppPattern(text: string): boolean {
  const name = text.endsWith('*') ? text.slice(0, -1) : text
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it refuses
  return text !== '' && text.length <= MAX_PATTERN && !/[*\s\u0000-\u001f\u007f]/.test(name)
}

/** Never the app of the system's own jobs, whose runs name what they did to all apps. */
export function matchesAppPattern(pattern: string, app: string): boolean {
  if (app === SYSTEM_APP) return false
  return pattern.endsWith('*') ? app.startsWith(pattern.slice(0, -1)) : app === pattern
}

/** Some apps, or everything. An app outside a caller's scope does not exist for the caller. */
export class Scope {
  /** Everything, also what belongs to no app. */
  readonly isWhole: boolean
  /** Exact names of apps. */
  readonly names: ReadonlySet<string>
  /** Beginnings of names. */
  readonly prefixes: readonly string[]
  /** The same for scopes that are alike. */
  readonly key: string

  /** @param patterns null: everything */
  constructor(patterns: readonly string[] | null) {
    this.isWhole = patterns === null || patterns.includes('*')
    const given = this.isWhole ? [] : [...new Set(patterns)].sort()
    this.names = new Set(given.filter((pattern) => !pattern.endsWith('*') && pattern !== SYSTEM_APP))
    this.prefixes = given.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1))
    this.key = this.isWhole ? 'everything' : JSON.stringify(given)
  }

  has(app: string): boolean {
    if (this.isWhole || this.names.has(app)) return true
    return app !== SYSTEM_APP && this.prefixes.some((prefix) => app.startsWith(prefix))
  }
}
