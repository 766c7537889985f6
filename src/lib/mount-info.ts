/** A line of /proc/PID/mountinfo (proc_pid_mountinfo(5)). Paths are bytes kept as latin1 text, one character a byte. */
export interface Mount {
  /** Of the mount, as /proc/PID/fdinfo names it. */
  id: string
  /** Of the mount that it is attached to. */
  parent: string
  /** `8:1`; tells the file system. */
  device: string
  /** The directory of the file system that is mounted. */
  root: string
  /** Where, as that process sees it. */
  point: string
  /** Of the file system: `ext4`, `fuse.mfs`. */
  type: string
  /** What is mounted, as the file system names it. */
  source: string
}

/** The mounts of a mountinfo text (latin1), in the order they were made. */
export function parseMountInfo(text: string): Mount[] {
  return text.split('\n').filter(Boolean).map(parseMount)
}

function parseMount(line: string): Mount {
  const [of = '', about = ''] = line.split(' - ')
  const [id = '', parent = '', device = '', root = '', point = ''] = of.split(' ')
  const [type = '', source = ''] = about.split(' ')
  return {
    ...{ id, parent, device, root: unescapeOctal(root), point: unescapeOctal(point) },
    ...{ type, source: unescapeOctal(source) },
  }
}

/** Space, tab, newline and backslash are written `\040` and so on. */
export function unescapeOctal(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
