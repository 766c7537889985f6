import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { backupPageSchema, debugSchema, newsSchema } from '../../../src/wire/daemon-api.ts'
import { scheduledJobSchema } from '../../../src/wire/job.ts'
import { recordSchema } from '../../../src/wire/record.ts'
import { endChild, startNode } from '../child.ts'
import { openSimulator } from '../open-simulator.ts'
import { findDifferences } from './differences.ts'
import { type Interview, interview } from './interview.ts'

const [REAL, SIMULATED] = ['127.78.0.1', '127.77.0.1']
const [REAL_PORT, SIMULATOR_PORT] = [19_422, 19_423]

/** How a controller reads the answer to a question, by the first word of its name. */
const SCHEMAS: Record<string, z.ZodType> = {
  debug: debugSchema,
  jobs: z.array(scheduledJobSchema),
  'news:': newsSchema,
  record: recordSchema,
  backups: backupPageSchema,
}

/** Asks a real daemon and a simulated one the same, and lists where the simulated one differs. */
export async function check(main: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-check-'))
  const volume = join(folder, 'volumes/db')
  for (const path of [volume, join(folder, 'store')]) mkdirSync(path, { recursive: true })
  writeFileSync(join(volume, 'table'), 'row 1')
  const daemon = await startDaemon(main, folder)
  const { simulator, child } = openSimulator()
  try {
    await simulator.open({ servers: [SIMULATED], port: SIMULATOR_PORT })
    const real = await interview({ ip: REAL, port: REAL_PORT, volume })
    return compare(real, await interview({ ip: SIMULATED, port: SIMULATOR_PORT, volume }))
  } finally {
    await Promise.all([endChild(daemon), endChild(child)])
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function startDaemon(main: string, folder: string) {
  const store = ['--backup-driver', 'local', '--backup-local-dir', join(folder, 'store')]
  const places = ['--data', join(folder, 'data'), '--volume-root', join(folder, 'volumes')]
  const flags = ['--addr', `${REAL}:${REAL_PORT}`, '--ip', REAL, ...places, ...store]
  const listens = Promise.withResolvers<void>()
  const lines: string[] = []
  const child = startNode({ args: [main, 'daemon', ...flags] }, (line) => {
    lines.push(line)
    if (line.includes('The daemon listens')) listens.resolve()
  })
  child.once('exit', () => listens.reject(new Error(lines.join('\n'))))
  await listens.promise
  return child
}

function compare(real: Interview, simulated: Interview): string[] {
  return [...real].flatMap(([name, expected]) => {
    const got = simulated.get(name)
    const schema = SCHEMAS[name.split(' ')[0] ?? '']
    const flaws = schema
      ?.safeParse(got?.body)
      .error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    const status =
      got?.status === expected.status ? [] : [`the status is ${got?.status}, expected ${expected.status}`]
    const all = [...status, ...findDifferences(expected.body, got?.body), ...(flaws ?? [])]
    return all.map((text) => `${name}: ${text}`)
  })
}
