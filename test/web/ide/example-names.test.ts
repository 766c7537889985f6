import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { pickNames } from '../../../src/web/ide/example-names.ts'
import { makeExampleTabs } from '../../../src/web/ide/examples.ts'

const volume = (job: string, good: string | null) => ({
  jobs: [{ id: job }],
  lastGood: good === null ? null : { name: good },
})

test('the example tabs use names of the present inventory, of a volume with a good backup', () => {
  const names = pickNames({
    data: {
      apps: [
        { name: 'old', procs: [{ shortName: 'web', instances: [{ volumes: [volume('j1', null)] }] }] },
        {
          name: 'mail',
          procs: [{ shortName: 'imap', instances: [{ volumes: [volume('j2', 'b.tar.gz')] }] }],
        },
      ],
      backups: {
        nodes: [
          { app: 'mail', proc: 'mail.worker.imap', name: 'box', snapshots: [{ id: 'new' }, { id: 'old' }] },
        ],
      },
    },
  })
  const [, , run, recover, snapshots] = makeExampleTabs(names).map(
    ({ variables }) => variables && JSON.parse(variables),
  )
  expect(run).toEqual({ id: 'j2' })
  expect(recover.input).toEqual({ app: 'mail', proc: 'imap', backup: 'b.tar.gz', inUse: 'REFUSE' })
  expect(snapshots).toEqual({ app: 'mail', proc: 'mail.worker.imap', name: 'box', from: 'old' })
})

test('without an answer every tab exists, with empty names', () => {
  const tabs = makeExampleTabs(pickNames({}))
  expect(tabs).toHaveLength(5)
  for (const { query } of tabs) expect(() => parse(query)).not.toThrow()
})
