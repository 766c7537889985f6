import type { ExpireRun } from '../../src/store/expiry.ts'
import { IP } from './store-samples.ts'
import { tempDir } from './temp-dir.ts'

/** An expire run that waits for nobody, and what it reports. */
export function makeExpireRun({ now, ...change }: Pick<ExpireRun, 'now'> & Partial<ExpireRun>) {
  const kept: string[] = []
  const problems: string[] = []
  const run: ExpireRun = {
    settings: { ip: IP, dataDir: tempDir() },
    signal: new AbortController().signal,
    lockWaitMs: 0,
    now,
    announce: async () => {},
    progress: () => {},
    log: () => {},
    reportKept: (what) => void kept.push(what),
    reportProblem: (problem) => void problems.push(problem),
    ...change,
  }
  return { run, kept, problems }
}
