import { graphql } from 'graphql'
import { expect, test } from 'vitest'
import { createLoaders } from '../../src/resolvers/loaders.ts'
import { createSchema } from '../../src/resolvers/schema.ts'
import { given } from '../support/given.ts'

const HOOKS = 'hook run timeLimitSeconds policy'
const QUERY = `{ volumes { nodes { recoverHooks { ${HOOKS} } } } jobs { action hooks { ${HOOKS} } } }`

test('the hooks that the inventory names are shown with their defaults, in the order in which they run', async () => {
  const recoverHooks = { post_recover: { command: 'start.sh -w', limitSeconds: 900 } }
  const { world } = await given
    .app('shop')
    .proc('web')
    .on('10.0.0.1')
    .volume('/data/db', { recoverHooks })
    .schedule({
      preRun: 'quiesce.sh',
      postRun: '',
      hooks: { pre_run: { policy: 'warn' }, always: { command: 'end.sh' } },
    })
    .inMemory()
  const contextValue = { world, loaders: createLoaders(world) }
  const { data, errors } = await graphql({ schema: createSchema(), source: QUERY, contextValue })
  expect(errors).toBeUndefined()
  const usual = { timeLimitSeconds: 300, policy: 'FAIL' }
  expect(data).toMatchObject({
    volumes: {
      nodes: [
        { recoverHooks: [{ ...usual, hook: 'post_recover', run: 'start.sh -w', timeLimitSeconds: 900 }] },
      ],
    },
    jobs: expect.arrayContaining([
      {
        action: 'backup',
        hooks: [
          { ...usual, hook: 'pre_run', run: 'quiesce.sh', policy: 'WARN' },
          { ...usual, hook: 'always', run: 'end.sh' },
        ],
      },
      { action: 'backup_expire', hooks: [] },
    ]),
  })
})
