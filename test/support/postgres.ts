import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const VERSIONS = '/usr/lib/postgresql'
const AS_USER = ['--reuid', 'postgres', '--regid', 'postgres', '--clear-groups']

function findPrograms(): string | undefined {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS) : []
  const folders = versions.map((version) => join(VERSIONS, version, 'bin'))
  return folders.find((dir) => ['initdb', 'pg_ctl', 'pgbench'].every((name) => existsSync(join(dir, name))))
}

const programs = findPrograms()

/** Why this machine runs no PostgreSQL; undefined if it does. */
export const noPostgres = findObstacle()

function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, which becomes the user postgres'
  if (!/^postgres:/m.test(readFileSync('/etc/passwd', 'utf8'))) return 'needs the user postgres'
  return programs === undefined ? `needs the postgresql of Debian under ${VERSIONS}` : undefined
}

/** A command line of PostgreSQL that root can run as its user. */
export function asPostgres(name: string, ...args: string[]): string[] {
  return ['setpriv', ...AS_USER, join(programs ?? '', name), ...args]
}

async function run([program = '', ...args]: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { env: { ...process.env, LC_ALL: 'C.UTF-8' } })
  return stdout
}

export interface Postgres {
  /** Starts the server if `data` is a database, and waits until it answers. */
  startCommand: string[]
  stopCommand: string[]
  log(): string
  start(): Promise<void>
  stop(): Promise<void>
  /** The first row and column of the answer. */
  query(sql: string): Promise<string>
  /** Runs the script of pgbench in several clients, until it is stopped or the server is. */
  load(script: string): { stop(): Promise<void> }
}

/** A new database in `data`, with its socket and its log in `dir`; both are open to the user postgres. */
export async function makePostgres(data: string, dir: string): Promise<Postgres> {
  for (const each of [data, dir]) {
    mkdirSync(each, { recursive: true, mode: 0o700 })
    const { uid, gid } = await readUser()
    chownSync(each, uid, gid)
  }
  await run(
    asPostgres('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '--data-checksums'),
  )
  const log = join(dir, 'log')
  const settings = `-c listen_addresses='' -c unix_socket_directories='${dir}'`
  const startCommand = asPostgres('pg_ctl', 'start', '-w', '-s', '-D', data, '-l', log, '-o', settings)
  const stopCommand = asPostgres('pg_ctl', 'stop', '-w', '-s', '-D', data, '-m', 'immediate')
  const client = ['-h', dir, '-U', 'postgres']
  return {
    startCommand,
    stopCommand,
    log: () => readFileSync(log, 'utf8'),
    start: async () => void (await run(startCommand)),
    stop: async () => void (await run(stopCommand)),
    query: async (sql) => (await run(asPostgres('psql', ...client, '-Atqc', sql))).trim(),
    load(script) {
      const [program = '', ...args] = asPostgres(
        'pgbench',
        ...client,
        '-n',
        '-c',
        '4',
        '-T',
        '600',
        '-f',
        script,
      )
      const child = spawn(program, args, { stdio: 'ignore' })
      const ended = once(child, 'exit')
      return {
        async stop() {
          child.kill('SIGKILL')
          await ended
        },
      }
    },
  }
}

async function readUser(): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all([run(['id', '-u', 'postgres']), run(['id', '-g', 'postgres'])])
  return { uid: Number(uid), gid: Number(gid) }
}
