/** A line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). Paths are bytes in latin1 text, one character for each byte. */
export interface Mount {
  /** The id of the mount, as in /proc/PID/fdinfo. */
  id: string
  /** The id of the mount that it is attached to. */
  parent: string
  /** `8:1`; identifies the file system. */
  device: string
  /** The directory of the file system that is mounted. */
  root: string
  /** The mount point, as that process sees it. */
  point: string
  /** The type of the file system: `ext4`, `fuse.mfs`. */
  type: string
  /** What is mounted, as the file system names it. */
  source: string
}

/** Parses a mountinfo text (latin1); the mounts are in the order in which they were made. */
export function parseMountInfo(text: string): Mount[] {
  return text.split('\n').filter(Boolean).map(parseMount)
}

function parseMount(line: string): Mount {
  const [of = '', about = ''] = line.split(' - ')
  const [id = '', parent = '', device = '', root = '', point = ''] = of.split(' ')
  const [type = '', source = ''] = about.split(' ')
  return {
    id,
    parent,
    device,
    root: unescapeOctal(root),
    point: unescapeOctal(point),
    type,
    source: unescapeOctal(source),
  }
}

/** Decodes space, tab, newline and backslash, which are written as `\040` and so on. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
