import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const BUSYBOX = '/bin/busybox'
const PROGRAMS = [
  'sh',
  'sleep',
  'kill',
  'grep',
  'cat',
  'ps',
  'touch',
  'setsid',
  'env',
  'true',
  'yes',
  'head',
  'rm',
]

function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'containers need root'
  const missing = ['/usr/bin/podman', '/usr/sbin/runc', BUSYBOX].filter((file) => !existsSync(file))
  if (missing.length > 0) return `needs ${missing.join(', ')}`
  const dir = mkdtempSync(join(tmpdir(), 'backupd-podman-'))
  try {
    const run = prepare(dir)
    run('run', '--rm', 'bb:1', '/bin/true')
    return undefined
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return `needs a machine that may start containers: ${why.replaceAll(/\s+/g, ' ').slice(0, 300)}`
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** Settings with which podman also runs in a container: no network, no cgroups of systemd, small limits. */
const SETTINGS = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`

/** Why this machine runs no containers; undefined if it does. */
export const noPodman = findObstacle()

export interface Podman extends AsyncDisposable {
  socket: string
  /** Starts a container with these scripts under /lain/app. */
  start(name: string, scripts: Record<string, string>): void
  run(...args: string[]): string
  /** What a file in a running container has; empty if it does not exist. */
  read(name: string, file: string): string
}

type Run = ((...args: string[]) => string) & { place: string[]; env: NodeJS.ProcessEnv }

/** Imports the image; what is returned runs podman with everything under `dir`. */
function prepare(dir: string): Run {
  writeFileSync(join(dir, 'containers.conf'), SETTINGS)
  const env = { ...process.env, CONTAINERS_CONF: join(dir, 'containers.conf') }
  const place = ['--root', join(dir, 'root'), '--runroot', join(dir, 'run'), '--storage-driver', 'vfs']
  const run = (...args: string[]) =>
    execFileSync('podman', [...place, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] }).toString()
  run('import', makeImage(dir), 'bb:1')
  return Object.assign(run, { place, env })
}

/** A podman of its own, with its socket; everything of it is removed at the end. */
export async function startPodman(): Promise<Podman> {
  const dir = mkdtempSync(join(tmpdir(), 'backupd-podman-'))
  const run = prepare(dir)
  const socket = join(dir, 'podman.sock')
  const service = spawn('podman', [...run.place, 'system', 'service', '--time', '0', `unix://${socket}`], {
    env: run.env,
  })
  while (!existsSync(socket)) await sleep(50)
  return {
    socket,
    run,
    start(name, scripts) {
      run('create', '--name', name, '--network', 'none', 'bb:1', '/bin/sleep', '100000')
      for (const [script, lines] of Object.entries(scripts)) {
        writeFileSync(join(dir, 'script'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
        run('cp', join(dir, 'script'), `${name}:/lain/app/${script}`)
      }
      run('start', name)
    },
    read: (name, file) => run('exec', name, '/bin/sh', '-c', `cat ${file} 2>/dev/null || true`),
    async [Symbol.asyncDispose]() {
      run('rm', '--all', '--force', '--time', '0')
      const gone = once(service, 'exit')
      service.kill('SIGKILL')
      await gone
      rmSync(dir, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** A tar of a root file system with busybox alone. */
function makeImage(dir: string): string {
  const tree = join(dir, 'image')
  for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp', 'etc', 'lain/app'])
    mkdirSync(join(tree, name), { recursive: true })
  copyFileSync(BUSYBOX, join(tree, 'bin/busybox'))
  for (const name of PROGRAMS) symlinkSync('busybox', join(tree, 'bin', name))
  execFileSync('tar', ['-C', tree, '-cf', join(dir, 'image.tar'), '.'])
  return join(dir, 'image.tar')
}
