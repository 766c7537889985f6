/** `hello.web.web` → `web` */
export function shortenProcName(proc: string): string {
  return proc.slice(proc.lastIndexOf('.') + 1)
}

/**
 * Whether a proc is meant by a name. Users write `web` or `hello.web.web`; an inventory also `worker.mail`, and
 * lain.yaml `proc.mail` or `service.mail`.
 */
export function isProcNamed(proc: string, asked: string): boolean {
  const short = shortenProcName(proc)
  if (asked === proc || asked === short) return true
  if (!asked.endsWith(short)) return false
  const withType = proc.split('.').slice(-2).join('.')
  return [withType, `proc.${short}`, `service.${short}`].includes(asked)
}

/** The app that the full name of a proc begins with; undefined for other names. */
export function findAppOfProc(proc: string): string | undefined {
  const parts = proc.split('.')
  return parts.length === 3 && parts[0] !== '' ? parts[0] : undefined
}
