import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Daemon, type DaemonOptions, startDaemon } from '../../src/daemon/daemon.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import { askHttp, endOfRun, type HttpAnswer, type HttpQuestion } from './daemon-http.ts'
import { keptLog, temporaryDir } from './daemon-kit.ts'

export interface StartedDaemon extends AsyncDisposable {
  url: string
  /** `data`, `store` and `volumes` lie in it. */
  dir: string
  log: Log & { lines: { level: string; message: string }[] }
  ask(method: string, path: string, question?: HttpQuestion): Promise<HttpAnswer>
  /** Waits until the requested run has ended, and returns its record. */
  ended(rid: string): ReturnType<typeof endOfRun>
  close(): Promise<void>
}

export function optionsIn(dir: string, more: Partial<DaemonOptions> = {}): DaemonOptions {
  return {
    host: '127.0.0.1',
    port: 0,
    ip: '10.77.0.11',
    dataDir: join(dir, 'data'),
    volumeRoot: join(dir, 'volumes'),
    allowPaths: [],
    store: { driver: 'local', dir: join(dir, 'store') },
    takeOver: false,
    allowedHosts: [],
    log: keptLog(),
    clock: systemClock,
    concurrency: 4,
    version: '0.0.0-test',
    warmRunners: 1,
    ...more,
  }
}

/** A daemon with everything real, in a directory of its own unless one is given. */
export async function startTestDaemon(
  more: Partial<DaemonOptions> = {},
  given?: string,
): Promise<StartedDaemon> {
  const own = given === undefined ? temporaryDir() : undefined
  const dir = given ?? own?.path ?? ''
  for (const name of ['store', 'volumes']) mkdirSync(join(dir, name), { recursive: true })
  const log = keptLog()
  const daemon: Daemon = await startDaemon(optionsIn(dir, { log, ...more }))
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= daemon.close()
    return closed
  }
  return {
    url: daemon.url,
    dir,
    log,
    ask: (method, path, question) => askHttp(daemon.url, method, path, question),
    ended: (rid) => endOfRun(daemon.url, rid),
    close,
    async [Symbol.asyncDispose]() {
      await close()
      own?.[Symbol.dispose]()
    },
  }
}
