import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { pickNames } from '../../../src/web/ide/example-names.ts'
import { makeExampleTabs } from '../../../src/web/ide/examples.ts'

const volume = (app: string, proc: string, job: string, good: string | null) => ({
  app,
  proc,
  jobs: [{ id: job }],
  lastGood: good === null ? null : { name: good },
})

test('the example tabs use names of the present inventory, of a volume with a good backup', () => {
  const names = pickNames({
    data: {
      volumes: {
        nodes: [
          volume('old', 'old.web.web', 'j1', null),
          volume('mail', 'mail.worker.imap', 'j2', 'b.tar.gz'),
        ],
      },
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
  expect(tabs).toHaveLength(6)
  for (const { query } of tabs) expect(() => parse(query)).not.toThrow()
})
