import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { callsTo, type Remote } from './calls.ts'
import { endChild, startNode } from './child.ts'
import type { ControllerProbe } from './controller-probe.ts'

const PROBE = fileURLToPath(new URL('./controller-probe.ts', import.meta.url))
/** A start that takes longer has failed. */
const START_LIMIT_MS = 900_000

export interface MeasuredController {
  /** `http://127.0.0.1:19420` */
  url: string
  probe: Remote<ControllerProbe>
  /** From the start of the process until it listens. */
  listenedAfterMs: number
  /** Daemons of which it said that a request failed. */
  silenced: Set<string>
  stop(): Promise<void>
}

export interface ControllerOptions {
  /** The built program: `dist/main.js`. */
  main: string
  port: number
  daemonPort: number
  dataDir: string
  inventory: string
}

/** Starts a built controller in a process of its own, with the probe in it; resolves once it listens. */
export async function startController(options: ControllerOptions): Promise<MeasuredController> {
  const { main, port, daemonPort, dataDir, inventory } = options
  const addr = `127.0.0.1:${port}`
  const flags = ['--addr', addr, '--dport', String(daemonPort), '--data', dataDir, '--inventory', inventory]
  const lines: string[] = []
  const silenced = new Set<string>()
  const listens = Promise.withResolvers<void>()
  const start = performance.now()
  const words = readFirstLine(main)
  const nodeFlags = words.filter((word) => word.startsWith('--'))
  const env = Object.fromEntries(words.filter((word) => /^\w+=/.test(word)).map((word) => word.split('=')))
  const args = [...nodeFlags, '--import', PROBE, main, 'controller', ...listAccess(main), ...flags]
  const child = startNode({ args, env }, (line) => {
    noteSilenced(line, silenced)
    lines.push(line)
    if (lines.length > 200) lines.shift()
    if (line.includes('The controller listens')) listens.resolve()
  })
  const late = setTimeout(() => listens.reject(new Error(`No start in ${START_LIMIT_MS} ms`)), START_LIMIT_MS)
  child.once('exit', () => listens.reject(new Error(`The controller ended:\n${lines.join('\n')}`)))
  try {
    await listens.promise
  } catch (error) {
    await endChild(child)
    throw error
  } finally {
    clearTimeout(late)
  }
  const listenedAfterMs = performance.now() - start
  const probe = callsTo<ControllerProbe>(child)
  // What follows is measured without the loading of the program.
  await probe.loopDelay()
  return {
    url: `http://${addr}`,
    probe,
    listenedAfterMs,
    silenced,
    stop: () => endChild(child),
  }
}

/** Programs from before there were tokens answer everybody, and know no flag for it. */
function listAccess(main: string): string[] {
  const { stdout } = spawnSync(process.execPath, [main, 'controller', '--help'], { encoding: 'utf8' })
  return stdout.includes('--anonymous') ? ['--anonymous', 'admin'] : []
}

/** The words with which users start it: variables and flags of Node. */
function readFirstLine(main: string): string[] {
  const [line = ''] = readFileSync(main, 'utf8').split('\n', 1)
  return line.split(' ')
}

function noteSilenced(line: string, silenced: Set<string>): void {
  const server = line.includes('A request to a daemon failed') && /"server":"([^"]+)"/.exec(line)?.[1]
  if (server) silenced.add(server)
}
