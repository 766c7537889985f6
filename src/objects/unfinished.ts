import { randomBytes, randomUUID } from 'node:crypto'

const SUFFIX = /\.part-(?<run>[0-9a-f]{42,43})$/
const UNNAMED = /^backupd-[0-9a-f-]{36}$/

/** How an object is listed until it is committed. An object that itself has such a name replaces the suffix. */
export function unfinishedName(name: string, run = randomBytes(21).toString('hex')): string {
  return `${name.replace(SUFFIX, '')}.part-${run}`
}

/** Reads a name of that form; undefined for any other. */
export function parseUnfinished(name: string): { name: string; run: string } | undefined {
  const { run } = SUFFIX.exec(name)?.groups ?? {}
  const whole = name.replace(SUFFIX, '')
  return run === undefined || whole === '' ? undefined : { name: whole, run }
}

/** How an object without a name is listed until it is committed. */
export function unnamedName(): string {
  return `backupd-${randomUUID()}`
}

export function isUnnamed(name: string): boolean {
  return UNNAMED.test(name)
}
