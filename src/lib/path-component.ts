/** The limit of Linux for a file name, bytes. */
const MAX_NAME_BYTES = 255

/** Whether a file or folder can have this name: it leads nowhere else, and the system accepts it. */
export function isPathComponent(name: string): boolean {
  const isDots = name === '' || name === '.' || name === '..'
  return !isDots && !/[/\0]/.test(name) && Buffer.byteLength(name) <= MAX_NAME_BYTES
}
