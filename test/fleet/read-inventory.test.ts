import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readInventory } from '../../src/fleet/read-inventory.ts'
import type { InventoryNews } from '../../src/wire/inventory.ts'

function read(text: string): InventoryNews {
  return readInventory({ text, file: 'inventory.yaml', localIp: '127.0.0.1' })
}

/** The problems of a text, one string each: `line:column message`. */
function problems(text: string): string[] {
  const news = read(text)
  if (news.kind !== 'broken') return []
  return news.problem
    .split(/cannot be used: |\n {2}/)
    .slice(1)
    .map((line) => line.replace(/^line (\d+), column (\d+): /, '$1:$2 '))
}

function inventory(text: string) {
  const news = read(text)
  if (news.kind === 'broken') throw new Error(news.problem)
  return news.inventory
}

/** One proc with volumes, as YAML. */
function shop(volumes: string, on = '[10.0.0.1]'): string {
  return `apps:\n  shop:\n    web:\n      on: ${on}\n      volumes:\n${volumes.replace(/^/gm, '        ')}\n`
}

describe('an inventory file', () => {
  test.each([
    ['brackets', '['.repeat(20_000)],
    ['braces', '{a: '.repeat(20_000)],
    ['dashes', '- '.repeat(20_000)],
    ['brackets that are closed', `apps: ${'['.repeat(20_000)}${']'.repeat(20_000)}`],
  ])('of 20,000 nested %s is refused with a message', (_what, text) => {
    expect(problems(text)).toEqual([expect.stringContaining('nested too deeply')])
  })

  test('as in the documentation is valid', () => {
    const text = `
apps:
  shop:
    web:                                  # a proc
      on: [10.0.0.1, { server: 10.0.0.2, instance: 7, containers: [c1, 0123] }]
      volumes:
        /data/db:
          path: /srv/shop/db              # optional
          backup_full:      { schedule: "0 5 * * *", expire: 30d }
          backup_increment: { schedule: "@every 1h", expire: 7d, pre_run: quiesce.sh, post_run: resume.sh }
`
    const volume = {
      name: '/data/db',
      path: '/srv/shop/db',
      schedules: [
        { mode: 'full', spec: '0 5 * * *', expire: '30d', preRun: '', postRun: '' },
        { mode: 'increment', spec: '@every 1h', expire: '7d', preRun: 'quiesce.sh', postRun: 'resume.sh' },
      ],
    }
    expect(inventory(text)).toEqual({
      apps: [
        {
          name: 'shop',
          procs: [
            {
              name: 'shop.web.web',
              shortName: 'web',
              instances: [
                { no: 1, server: '10.0.0.1', containers: [], volumes: [volume] },
                { no: 7, server: '10.0.0.2', containers: ['c1', '0123'], volumes: [volume] },
              ],
            },
          ],
        },
      ],
    })
  })

  test('may have settings of a volume and its schedules', () => {
    const [app] = inventory(
      shop(
        '/v: { consistency: strict, backup_increment: { schedule: "@daily", expire: 7d, time_limit: 1h30m, reread_every: 30d } }\n/w: { consistency: any }',
      ),
    ).apps
    const volumes = app?.procs[0]?.instances[0]?.volumes
    expect(volumes?.[0]).toMatchObject({
      consistency: 'strict',
      schedules: [{ mode: 'increment', timeLimitSeconds: 5400, rereadEveryDays: 30 }],
    })
    expect(volumes?.[1]).not.toHaveProperty('consistency')
  })

  test('may say how long a hook may take, and what its failure means', () => {
    const [app] = inventory(
      shop(
        `/v: { backup_full: { schedule: "@daily", expire: 7d, pre_run: { run: "q 'a b'", time_limit: 90s, policy: warn }, post_run: { run: r } } }`,
      ),
    ).apps
    expect(app?.procs[0]?.instances[0]?.volumes[0]?.schedules[0]).toEqual({
      mode: 'full',
      spec: '@daily',
      expire: '7d',
      preRun: "q 'a b'",
      postRun: 'r',
      hooks: { pre_run: { limitSeconds: 90, policy: 'warn' } },
    })
  })

  test('may have hooks for a failure and for the end', () => {
    const [app] = inventory(
      shop(
        `/v: { backup_full: { schedule: "@daily", expire: 7d, on_failure: "tell.sh 'a b'", always: { run: end.sh, time_limit: 1m } } }`,
      ),
    ).apps
    expect(app?.procs[0]?.instances[0]?.volumes[0]?.schedules[0]).toMatchObject({
      preRun: '',
      postRun: '',
      hooks: { on_failure: { command: "tell.sh 'a b'" }, always: { command: 'end.sh', limitSeconds: 60 } },
    })
  })

  test('may have hooks around recovers into a volume', () => {
    const [app] = inventory(
      shop(
        '/v: { pre_recover: stop.sh, post_recover: { run: start.sh, policy: warn } }\n/w: { pre_recover: }',
      ),
    ).apps
    const volumes = app?.procs[0]?.instances[0]?.volumes
    expect(volumes?.[0]?.recoverHooks).toEqual({
      pre_recover: { command: 'stop.sh' },
      post_recover: { command: 'start.sh', policy: 'warn' },
    })
    expect(volumes?.[1]).not.toHaveProperty('recoverHooks')
  })

  test('may say how the backups of a volume are verified', () => {
    const [app] = inventory(
      shop(
        '/v: { verify: { schedule: "30 2 * * *", within: 7d, budget: 1.5TiB } }\n/w: { verify: off }\n/x:',
      ),
    ).apps
    expect(app?.procs[0]?.instances[0]?.volumes.map(({ verify }) => verify)).toEqual([
      { spec: '30 2 * * *', withinDays: 7, budgetBytes: 1.5 * 1024 ** 4 },
      'off',
      undefined,
    ])
  })

  test.each([
    ['web', 'shop.web.web', 'web'],
    ['worker.mail', 'shop.worker.mail', 'mail'],
    ['shop.worker.mail', 'shop.worker.mail', 'mail'],
    ['shop.web.web', 'shop.web.web', 'web'],
  ])('may name a proc %s', (key, name, shortName) => {
    const [app] = inventory(shop('/v:').replace('web:', `${key}:`)).apps
    expect(app?.procs[0]).toMatchObject({ name, shortName })
  })

  test('may have no app, a volume without a backup, and anchors', () => {
    expect(inventory('apps: {}')).toEqual({ apps: [] })
    const text = shop('/a: &daily { backup_full: { schedule: "@daily", expire: 7d } }\n/b: *daily\n/c:')
    const volumes = inventory(text).apps[0]?.procs[0]?.instances[0]?.volumes
    expect(volumes?.map(({ name, path, schedules }) => [name, path, schedules.length])).toEqual([
      ['/a', null, 1],
      ['/b', null, 1],
      ['/c', null, 0],
    ])
  })

  test.each([
    '@every 1h30m',
    '@midnight',
    'TZ=Europe/Berlin 0 5 * * *',
    '*/5 0-3,6 ? JAN-MAR MON',
    '0 0 5 * * *',
  ])('may have the schedule %s', (spec) => {
    const text = shop(`/v: { backup_full: { schedule: "${spec}", expire: 1h } }`)
    expect(inventory(text).apps[0]?.procs[0]?.instances[0]?.volumes[0]?.schedules[0]?.spec).toBe(spec)
  })
})

describe('a lain.yaml', () => {
  const text = `
appname: hello
build: { base: golang, script: [go build] }
web:
  cmd: hello
  port: 80
  volumes:
    - /data/db: { backup_full: { schedule: "0 5 * * *", expire: 30d } }
    - data/files:
        backup_increment: { schedule: "0 23 * * *", expire: 10d, pre_run: a.sh, post_run: }
    - /plain
proc.job:
  type: oneshot
  persistent_dirs: [/logs]
worker.none:
  cmd: x
`
  test('becomes one app with instance 1 on the local server', () => {
    const [app, ...more] = inventory(text).apps
    expect(more).toEqual([])
    expect(app?.procs.map(({ name, shortName }) => [name, shortName])).toEqual([
      ['hello.web.web', 'web'],
      ['hello.oneshot.job', 'job'],
    ])
    const { volumes, ...instance } = app?.procs[0]?.instances[0] ?? { volumes: [] }
    expect(instance).toEqual({ no: 1, server: '127.0.0.1', containers: [] })
    expect(
      volumes.map(({ name, path, schedules }) => [name, path, schedules.map(({ mode }) => mode)]),
    ).toEqual([
      ['/data/db', null, ['full']],
      ['/lain/app/data/files', null, ['increment']],
      ['/plain', null, []],
    ])
  })

  test.each([
    ['appname: hello\nvolums: []\n', ['2:1 "volums" is not known here: known are appname, giturl']],
    ['appname: hello\nweb:\n  volume: []\n', ['3:3 "volume" is not known here: did you mean "volumes"?']],
    ['appname: hello\nproc.a:\n  type: cron\n', ['2:1 "proc.a" is not a proc']],
    ['appname: -a\n', ['1:10 "-a" is not a valid name of an app']],
  ])('with a mistake: %j', (flawed, expected) => {
    expect(problems(flawed)).toEqual(expected.map((start) => expect.stringContaining(start)))
  })
})

describe('mistakes are reported with line and column', () => {
  const full = (inside: string) => shop(`/v: { backup_full: ${inside} }`)
  test.each<[string, string, string[]]>([
    ['nothing', '', ['1:1 the inventory is empty: write "apps:"']],
    ['comments alone', '# apps\n', ['1:1 the inventory is empty']],
    ['a list', '- a\n', ['1:1 a map belongs here']],
    ['a word', 'hello\n', ['1:1 a map belongs here']],
    ['an unknown top key', 'aps: {}\n', ['1:1 "aps" is not known here: did you mean "apps"?']],
    ['apps of nothing', 'apps:\n', ['1:6 a map belongs here: shop:']],
    ['an app name', 'apps: { "a b": {} }', ['1:9 "a b" is not a valid name of an app']],
    ['an app name that leads out', 'apps: { "..": {} }', ['1:9 ".." is not a valid name of an app']],
    [
      'a proc name',
      'apps:\n  shop:\n    db: {}\n',
      ['3:5 "db" is not a proc, expected web for shop.web.web'],
    ],
    ["another app's proc", 'apps:\n  shop:\n    cart.web.web: {}\n', ['3:5 "cart.web.web" is not a proc']],
    ['a proc without anything', 'apps:\n  shop:\n    web:\n', ['3:9 a map belongs here']],
    [
      'a proc that lacks both',
      'apps:\n  shop:\n    web: {}\n',
      ['3:10 "on" is missing here', '3:10 "volumes" is missing here'],
    ],
    [
      'the same proc twice',
      `${shop('/v:')}    shop.web.web: { on: [10.0.0.2], volumes: [/w] }`,
      ['7:5 the proc shop.web.web appears here for the second time'],
    ],
    ['the same key twice', 'apps: {}\napps: {}\n', ['2:1 "apps" appears here for the second time']],
    [
      'a server',
      shop('/v:', '[10.0.0.256, "::1", host]'),
      ['4:12 "10.0.0.256" is not an IPv4', '4:24 "::1" is not', '4:31 "host" is not'],
    ],
    [
      'a server without its list',
      shop('/v:', '10.0.0.1'),
      ['4:11 a list belongs here: [10.0.0.1, 10.0.0.2]'],
    ],
    [
      'an instance number',
      shop('/v:', '[{ server: 10.0.0.1, instance: 0 }]'),
      ['4:42 "0" is not a valid instance number'],
    ],
    [
      'an instance number twice',
      shop('/v:', '[10.0.0.1, { server: 10.0.0.2, instance: 1 }]'),
      ['4:22 instance 1 appears here for the second time'],
    ],
    [
      'a typo in an instance',
      shop('/v:', '[{ sever: 10.0.0.1 }]'),
      ['4:14 "sever" is not known here: did you mean "server"?'],
    ],
    ['an instance without a server', shop('/v:', '[{ instance: 2 }]'), ['4:12 "server" is missing here']],
    [
      'a container',
      shop('/v:', '[{ server: 10.0.0.1, containers: [-rf] }]'),
      ['4:45 "-rf" is not a container'],
    ],
    ['a relative volume', shop('data:'), ['6:9 the volume "data" must begin with "/"']],
    ['the whole machine', shop('/:'), ['6:9 the volume "/" is the whole machine']],
    ['a volume that leads out', shop('/a/../b:'), ['6:9 the volume "/a/../b" contains ".."']],
    ['a slash too much', shop('/a/:'), ['6:9 the volume "/a/" has an empty or "." part']],
    ['a newline in a volume', shop('"/a\\nb":'), ['6:9 the volume "/a\nb" has a control character']],
    ['a path', shop('/v: { path: srv }'), ['6:21 the path "srv" must begin with "/"']],
    ['a path that is a map', shop('/v: { path: {} }'), ['6:21 a text belongs here: /srv/shop/db']],
    [
      'a misspelt mode',
      shop('/v: { backup_ful: {} }'),
      ['6:15 "backup_ful" is not known here: did you mean "backup_full"?'],
    ],
    ['no schedule', full('{ expire: 1d }'), ['6:28 "schedule" is missing here']],
    [
      'a misspelt expire',
      full('{ schedule: "@daily", exprie: 1d }'),
      ['6:50 "exprie" is not known here: did you mean "expire"?'],
    ],
    [
      'expire without its unit',
      full('{ schedule: "@daily", expire: 30 }'),
      ['6:58 "30" is not a retention time, expected a number and m, h or d'],
    ],
    [
      'a consistency that does not exist',
      shop('/v: { consistency: strong }'),
      ['6:28 "strong" is not a consistency, expected strict or any'],
    ],
    [
      'a time limit without a unit',
      full('{ schedule: "@daily", expire: 1d, time_limit: 30 }'),
      ['"30" is not a duration'],
    ],
    [
      'a time limit of nothing',
      full('{ schedule: "@daily", expire: 1d, time_limit: 0s }'),
      ['the time limit "0s" is out of range'],
    ],
    [
      'a reread in hours',
      shop('/v: { backup_increment: { schedule: "@daily", expire: 1d, reread_every: 12h } }'),
      ['"12h" is not a number of days'],
    ],
    [
      'a reread of full backups, which read everything',
      full('{ schedule: "@daily", expire: 1d, reread_every: 30d }'),
      ['"reread_every" is not known here'],
    ],
    [
      'a verification of another word',
      shop('/v: { verify: never }'),
      [
        '6:23 "never" is not a verification, expected { schedule: "0 1 * * *", within: 30d, budget: 50GiB }, or off',
      ],
    ],
    [
      'a verification with an unknown key',
      shop('/v: { verify: { witin: 30d } }'),
      ['6:25 "witin" is not known here: did you mean "within"?'],
    ],
    [
      'a verification of bad values',
      shop(
        '/v: { verify: { schedule: "@nightly", within: 12h, budget: 50 } }\n/w: { verify: { budget: 50GB } }',
      ),
      [
        '6:35 "@nightly" is not a schedule',
        '6:55 "12h" is not a number of days, expected 1d to 9999d',
        '7:33 "50GB" is not a size, expected a number above 0',
      ],
    ],
    [
      'two schedules of verifications on one server',
      shop('/v: { verify: { schedule: "@daily" } }\n/w: { verify: { schedule: "@weekly", within: 7d } }'),
      [
        '7:9 /w of shop.web.web, instance 1, and /v of shop.web.web, instance 1, both on 10.0.0.1, name different values of "schedule" in "verify"',
      ],
    ],
    [
      'an empty schedule',
      full('{ schedule: "", expire: 1d }'),
      ['6:40 "" is not a schedule: it has 0 fields'],
    ],
    ['four fields', full('{ schedule: "* * * *", expire: 1d }'), ['6:40 "* * * *" is not a schedule']],
    [
      'a hook of two lines',
      full('{ schedule: "@daily", expire: 1d, pre_run: "a\\nb" }'),
      ['6:71 a hook is one line'],
    ],
    [
      'a hook with a quote that is not closed, a limit of two days and an odd policy',
      full(
        '{ schedule: "@daily", expire: 1d, pre_run: { run: "q \'a", time_limit: 48h, policy: ignore }, post_run: { run: [a] } }',
      ),
      [
        '6:78 Cannot use the hook "q \'a": a quote is not closed',
        '6:98 the time limit "48h" is out of range, expected 1s to 24h',
        '6:111 "ignore" is not a policy, expected fail or warn',
        '6:138 a text belongs here: quiesce.sh',
      ],
    ],
    [
      'a hook for a failure that cannot be run',
      full('{ schedule: "@daily", expire: 1d, on_failure: "q \'", always: "" }'),
      ['6:74 Cannot use the hook "q \'"', '6:89 Cannot use the hook "": it names no script'],
    ],
    [
      'a hook of a recover without a script',
      shop('/v: { pre_recover: { policy: warn } }'),
      ['6:28 "run" is missing here'],
    ],
    [
      'a hook without a script, and one with an unknown key',
      full('{ schedule: "@daily", expire: 1d, pre_run: { policy: warn }, post_run: { run: a, limit: 1m } }'),
      ['6:71 "run" is missing here: write { run: "quiesce.sh"', '6:109 "limit" is not known here'],
    ],
    [
      'colliding archives',
      shop('/data/db:\n/data-db:'),
      [
        '7:9 /data-db of shop.web.web, instance 1, and /data/db of shop.web.web, instance 1, both on 10.0.0.1, have archives of the same name',
      ],
    ],
    [
      'two volumes on one path',
      shop('/a: { path: /x }\n/b: { path: /x }'),
      [
        '7:9 /b of shop.web.web, instance 1, and /a of shop.web.web, instance 1, both on 10.0.0.1, are in the same directory',
      ],
    ],
    [
      'two instances on one path',
      shop('/a: { path: /x }', '[10.0.0.1, 10.0.0.1]'),
      ['6:9 /a of shop.web.web, instance 2, and /a of shop.web.web, instance 1'],
    ],
    [
      'a volume below one of another proc',
      'apps:\n  shop:\n    web: { on: [10.0.0.1], volumes: { /data: { path: /srv/shop } } }\n' +
        '    worker.ssl: { on: [10.0.0.1], volumes: { /ssl: { path: /srv/shop/x/ssl } } }\n',
      [
        '4:46 /ssl of shop.worker.ssl, instance 1 ("/srv/shop/x/ssl"), is below /data of shop.web.web, instance 1 ("/srv/shop"), both on 10.0.0.1: a proc cannot own',
      ],
    ],
    ['a name too long for a folder', shop(`/${'x'.repeat(200)}:`), ['6:9 the name of the archive of /xxx']],
    [
      'an unquoted star',
      full('{ schedule: * * * * *, expire: 1d }'),
      ['6:40 a text that begins with * must be in quotes'],
    ],
    [
      'an unquoted @',
      'apps:\n  x: @daily\n',
      ['2:6 Plain value cannot start with reserved character @: put the text in quotes'],
    ],
    ['a tab', 'apps:\n\tshop: {}\n', ['2:1 tabs cannot indent: use spaces']],
    ['two documents', 'apps: {}\n---\napps: {}\n', ['2:1 a file has one document only']],
    ['an alias of nothing', shop('/v: *nope'), ['6:13 "*nope" does not name an anchor']],
    ['an open quote', 'apps: "x\n', ['2:1 Missing closing "quote']],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected.map((start) => expect.stringContaining(start)))
  })

  test('the same path on two servers is valid', () => {
    expect(inventory(shop('/a: { path: /x }', '[10.0.0.1, 10.0.0.2]')).apps).toHaveLength(1)
  })

  test('one mistake is one line; of many the first twenty are listed, in order', () => {
    expect(read('aps: {}')).toEqual({
      kind: 'broken',
      problem:
        'The inventory inventory.yaml cannot be used: line 1, column 1: "aps" is not known here: did you mean "apps"?',
    })
    const many = problems(shop(Array.from({ length: 30 }, (_, n) => `v${n}:`).join('\n')))
    expect(many).toHaveLength(21)
    expect(many[19]).toMatch(/^25:9 the volume "v19"/)
    expect(many[20]).toBe('and 10 more')
  })
})

describe('a small file that expands to billions', () => {
  const many = (count: number, of: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => of(n)).join(', ')
  const servers = `&servers [${many(1000, () => '10.0.0.1')}]`

  test('of values is refused', () => {
    const procs = many(1000, (n) => `worker.p${n}: { on: *servers, volumes: *v }`)
    const text = `apps: { a: { web: { on: ${servers}, volumes: &v [${many(1000, (n) => `/v${n}`)}] }, ${procs} } }`
    expect(problems(text)).toEqual([expect.stringContaining('has more than 1000000 values')])
  })

  test('of volumes is refused', () => {
    const text = `apps: { a: { web: { on: ${servers}, volumes: [${many(300, (n) => `/v${n}`)}] } } }`
    expect(problems(text)).toEqual([expect.stringContaining('it names 300000 volumes')])
  })
})

test('any text is an inventory or a list of mistakes', () => {
  const words = [
    'apps',
    'shop',
    'web',
    'on',
    'volumes',
    'appname',
    '/v',
    'backup_full',
    'schedule',
    '__proto__',
    '10.0.0.1',
    '*a',
    '&a',
  ]
  const marks = [': ', '\n', '  ', '- ', '{', '}', '[', ']', ', ', '"', '|', '# ', '!x ', '? ', '\t', '\0']
  const soup = fc.array(fc.constantFrom(...words, ...marks), { maxLength: 40 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(soup, (text) => {
      const news = read(text)
      if (news.kind === 'broken')
        expect(news.problem).toMatch(/^The inventory inventory\.yaml cannot be used:/)
      else expect(news.inventory.apps).toBeInstanceOf(Array)
    }),
    { numRuns: 1000 },
  )
})
