import { getIntrospectionQuery } from 'graphql'
import { expect, test } from 'vitest'
import { askGraphQL, socketClient, startTestController, testFolder } from '../support/real-controller.ts'

const deep = (levels: number) =>
  `{ __type(name: "Job") ${'{ ofType '.repeat(levels)} { name } ${'}'.repeat(levels + 1)}`

const REFUSED: [string, string, RegExp][] = [
  ['too many levels', deep(13), /Depth limit of 12 exceeded/],
  [
    'too many aliases',
    `{ ${Array.from({ length: 31 }, (_, at) => `a${at}: servers { ip }`).join(' ')} }`,
    /Aliases limit of 30 exceeded/,
  ],
  ['jobs of servers of jobs', '{ jobs { server { jobs { id } } } }', /a list of Job inside a list of Job/],
  [
    'the same behind fragments',
    'query { jobs { ...J } } fragment J on Job { server { ... on Server { ...S } } } fragment S on Server { jobs { id } }',
    /a list of Job inside a list of Job/,
  ],
  [
    'pages within pages',
    '{ backups(first: 500) { nodes { files(first: 500) { nodes { path } } } } }',
    /asks for up to 250000 nodes/,
  ],
  [
    'pages within pages, by variables',
    'query ($n: Int) { backups(first: $n) { nodes { files(first: $n) { nodes { path } } } } }',
    /asks for up to 250000 nodes/,
  ],
  [
    'many pages side by side',
    `{ ${Array.from({ length: 20 }, (_, at) => `a${at}: records(first: 500) { nodes { rid app action state warnings reason } }`).join(' ')} }`,
    /Cost limit of 50000 exceeded/,
  ],
]

test.for(REFUSED)('%s is refused over HTTP and over a WebSocket', async ([, query, message]) => {
  const { url } = await startTestController({ folder: await testFolder() })
  const overHttp = await askGraphQL(url, query)
  const refusal = {
    message: expect.stringMatching(message),
    extensions: { code: 'TOO_COSTLY', action: expect.any(String), facts: {} },
  }
  expect(overHttp).toMatchObject({
    status: 400,
    errors: expect.arrayContaining([expect.objectContaining(refusal)]),
  })
  const overSocket = socketClient(url).iterate({ query }).next()
  await expect(overSocket).rejects.toEqual(expect.arrayContaining([expect.objectContaining(refusal)]))
})

test.for([
  [
    'the introspection of the IDE',
    getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true }),
  ],
  [
    'the whole tree of an inventory',
    `{ apps { name procs { name instances { no server { ip store { freeBytes } } volumes { name lastGood { name server { ip } }
      jobs { id lastRecord { state progress { bytesDone } error { code } } } backups(first: 5) { nodes { name } } } } } } }`,
  ],
  ['all backups with their snapshots, pages as they are', '{ backups { nodes { name snapshots { id } } } }'],
  [
    'a page of 500 with all its fields',
    `{ records(first: 500) { nodes { rid app proc volume action state reason warnings start end attempt args
      progress { phase bytesDone bytesTotal filesDone } error { code message action } server { ip } } } }`,
  ],
] as const)('%s is within the limits', async ([, query]) => {
  const { url } = await startTestController({ folder: await testFolder() })
  expect(await askGraphQL(url, query)).toMatchObject({ status: 200, data: expect.any(Object) })
  const answer = await socketClient(url).iterate({ query }).next()
  expect(answer.value).toMatchObject({ data: expect.any(Object) })
})

test('a page has 1 to 500 items', async () => {
  const { url } = await startTestController({ folder: await testFolder() })
  for (const first of [0, 501]) {
    const { errors } = await askGraphQL(
      url,
      'query ($first: Int) { backups(first: $first) { totalCount } }',
      { first },
    )
    expect(errors).toMatchObject([
      {
        message: `first: ${first} is not a valid page size: ask for 1 to 500`,
        extensions: { code: 'BAD_INPUT', facts: { first } },
      },
    ])
  }
})

test('an invalid or too long message ends only its own connection', async () => {
  const { url } = await startTestController({ folder: await testFolder() })
  const { WebSocket } = await import('ws')
  const closes = (text: string) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
      socket.on('open', () => socket.send(text))
      socket.on('close', resolve)
      socket.on('error', () => {})
    })
  expect(await closes('{')).toBe(4400)
  expect(await closes('x'.repeat(300 * 1024))).toBe(1009)
  expect(await askGraphQL(url, '{ __typename }')).toMatchObject({ status: 200 })
})
