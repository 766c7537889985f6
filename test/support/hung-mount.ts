import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

/**
 * A FUSE file system whose server answers only the handshake. It prints "asked" when a process waits for it.
 * With a second argument the server ends at once.
 */
const SERVER = `
import ctypes, os, select, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open('/dev/fuse', os.O_RDWR)
options = b'fd=%d,rootmode=40000,user_id=0,group_id=0' % fd
if libc.mount(b'backupd-test', os.fsencode(sys.argv[1]), b'fuse', 0, options): sys.exit(os.strerror(ctypes.get_errno()))
if len(sys.argv) == 2:
    unique = struct.unpack('=IIQ', os.read(fd, 65536)[:16])[2]
    # FUSE_INIT of version 7.12: 16 bytes of header, 24 of answer.
    os.write(fd, struct.pack('=IiQIIIIII', 40, 0, unique, 7, 12, 65536, 0, 0, 65536))
print('mounted', flush=True)
if len(sys.argv) == 2:
    select.select([fd], [], [])
    print('asked', flush=True)
    time.sleep(3600)
`

/** Why this machine cannot have such a mount; undefined if it can. */
export const noHungMounts = whyNot()

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can mount'
  if (!existsSync('/dev/fuse')) return 'there is no /dev/fuse'
  if (spawnSync('python3', ['-c', 'import ctypes']).status !== 0) return 'there is no python3'
  return spawnSync('unshare', ['--mount', 'true']).status === 0 ? undefined : 'mount is refused'
}

export interface HungMount {
  /** Resolves when a process waits for an answer of the file system. */
  asked: Promise<void>
  /** Unmounts it: calls that wait for an answer fail. */
  release(): void
}

/** Mounted at `folder` until the test ends. This process must not touch it. */
export async function mountHung(folder: string): Promise<HungMount> {
  mkdirSync(folder, { recursive: true })
  const server = spawn('python3', ['-c', SERVER, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  let isMounted = true
  const release = () => {
    server.kill('SIGKILL')
    if (isMounted) execFileSync('umount', ['-l', folder])
    isMounted = false
  }
  onTestFinished(release)
  const lines = createInterface({ input: server.stdout })
  const asked = Promise.withResolvers<void>()
  lines.on('line', (line) => line === 'asked' && asked.resolve())
  await once(lines, 'line')
  return { asked: asked.promise, release }
}

/** The same with a dead server: every call fails (ENOTCONN). */
export function mountWithoutServer(folder: string): void {
  mkdirSync(folder, { recursive: true })
  execFileSync('python3', ['-c', SERVER, folder, 'dead'], { stdio: ['ignore', 'ignore', 'inherit'] })
  onTestFinished(() => void execFileSync('umount', ['-l', folder]))
}
