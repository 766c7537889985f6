import { expect, test } from 'vitest'
import { describeFailure } from '../../src/wire/failed-run.ts'
import { sampleRecord } from '../support/catalog-samples.ts'

const recover = { action: 'backup_recover', args: { backup: 'b.tar.gz', destDir: '/srv/db' } }

test.each([
  ['went forward', 0, /Nothing is left to do$/],
  ['went forward', 2, /See the warnings of the record/],
  ['went back', 0, /run it again/i],
])(
  'a recover that the daemon ended at its next start, and that %s, says what is left to do',
  (outcome, faults, advice) => {
    const error = { code: 'DAEMON_RESTARTED', message: 'stopped', facts: { outcome, faults } }
    const text = describeFailure(
      sampleRecord({ ...recover, state: 'failed', reason: 'The daemon stopped', error }),
    )
    expect(text).toMatch(/^The recover of "b.tar.gz" into "\/srv\/db" failed: The daemon stopped/)
    expect(text).toMatch(advice)
    expect(/Nothing is left/.test(text)).toBe(outcome === 'went forward' && faults === 0)
  },
)
