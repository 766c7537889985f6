import { BackupdError } from '../../lib/errors.ts'

/** Throws BAD_INPUT if it is not a plain name below the store's root: absolute, `.`, `..`, empty parts, NUL. */
export function checkObjectName(name: string): string {
  const parts = name.split('/')
  const bad = parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))
  if (bad) {
    throw new BackupdError(
      'BAD_INPUT',
      `${JSON.stringify(name)} cannot name an object of the store: its parts must be plain names`,
    )
  }
  return name
}
