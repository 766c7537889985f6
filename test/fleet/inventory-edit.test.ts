import { expect, test } from 'vitest'
import { type KnownFile, readEdit } from '../../src/fleet/inventory-edit.ts'
import { readWithLayout } from '../../src/fleet/read-inventory.ts'
import type { InventoryApp } from '../../src/wire/inventory.ts'

const FILE = `# the fleet
apps:
  shop: # sells
    web:
      on: [10.0.0.1, { server: 10.0.0.2, instance: 7 }]
      volumes:
        /data/db: { path: /srv/shop, backup_full: { schedule: "0 5 * * *", expire: 30d } }
  blog:
    web: { on: [10.0.0.1], volumes: { /data/db: { path: /srv/blog }, "/data/it's": {} } }
  # between two apps
  mail:
    worker.out:
      on:
        - 10.0.0.3
      volumes:
        - /spool
        - /queue: { backup_increment: { schedule: "@daily", expire: 7d, pre_run: 'a b' } }
`

function readAll(text: string): { apps: InventoryApp[] | undefined; known: KnownFile | undefined } {
  const { news, layout } = readWithLayout({ text, file: 'inventory.yaml', localIp: '127.0.0.1' })
  return {
    apps: news.kind === 'inventory' ? news.inventory.apps : undefined,
    known: layout ? { text, layout } : undefined,
  }
}

/** The first app has what the others use; one name means different things before and after blog. */
const SHARED = `# the fleet
apps:
  shop:
    web: &web
      on: [&one 10.0.0.1, &two { server: 10.0.0.2, instance: 7 }]
      volumes:
        /data/db: { path: /srv/shop, backup_full: &nightly { schedule: &spec "0 5 * * *", expire: 30d } }
  blog:
    web: { on: [*one, *two], volumes: { /data/db: { path: /srv/blog, backup_full: *nightly } } }
    worker.a: { on: [&one 10.0.0.5], volumes: { /own: { backup_full: &own { schedule: *spec, expire: 1d } } } }
  mail:
    web: { on: [*one], volumes: { /spool: { backup_full: { schedule: *spec, expire: 7d, pre_run: 'a && b' } } } }
`

function edit(text: string, before = FILE) {
  const { known, apps } = readAll(before)
  if (!known || !apps) throw new Error('the file was not read')
  return readEdit(known, text, { apps })
}

test('an edit within an app is read, and where the apps are stays known', async () => {
  const edited = await edit(FILE.replace('10.0.0.3', '10.0.0.4'))
  expect(edited?.app.procs[0]?.instances[0]?.server).toBe('10.0.0.4')
  const longer = await edit(FILE.replace('/srv/shop', '/srv/a/longer/path'))
  expect(longer?.app.name).toBe('shop')
  expect(longer?.known.layout.apps).toEqual(readAll(longer?.known.text ?? '').known?.layout.apps)
})

test.each([
  ['two apps', FILE.replace('/srv/shop', '/a').replace('/srv/blog', '/b')],
  ['the name of an app', FILE.replace('blog:', 'log:')],
  ['an app more', FILE.replace('  blog:', '  news: { web: { on: [10.0.0.1], volumes: [/n] } }\n  blog:')],
  ['the text before all apps', FILE.replace('the fleet', 'my fleet')],
  ['the end of the last line of an app', FILE.replace('30d } }\n', '30d } }')],
  ['a mistake', FILE.replace('10.0.0.3', '10.0.0')],
  ['a directory of another app', FILE.replace('/srv/blog', '/srv/shop')],
  ['a directory below that of another app', FILE.replace('/srv/blog', '/srv/shop/blog')],
])('an edit of %s is left to a reading of the whole file', async (_what, text) => {
  expect(text).not.toBe(FILE)
  expect(await edit(text)).toBeUndefined()
})

test.each([
  ['the value of an anchor', SHARED.replace('"0 5 * * *"', '"0 6 * * *"')],
  ['a value with anchors in it', SHARED.replace('expire: 30d', 'expire: 31d')],
  ['the name of an anchor', SHARED.replace('&spec', '&other')],
  ['the last meaning of a name', SHARED.replace('&one 10.0.0.5', '10.0.0.5')],
  ['a name that means something already', SHARED.replace('/own', '&spec /own')],
  ['an alias of nothing', SHARED.replace('schedule: *spec, expire: 7d', 'schedule: *none, expire: 7d')],
])('an edit of %s is left to a reading of the whole file if another app may use it', async (_what, text) => {
  expect(text).not.toBe(SHARED)
  expect(await edit(text, SHARED)).toBeUndefined()
})

test.each([
  ['that uses anchors of another one', '/srv/blog', '/srv/log'],
  ['whose anchors are used, but stay as they are', '/srv/shop', '/srv/sho'],
  ['whose anchor nobody else uses', 'expire: 1d', 'expire: 2d'],
  ['that gets an anchor which nobody uses', 'expire: 7d', 'expire: &new 7d'],
  ['that gets an alias', 'expire: 7d', 'expire: 7d, post_run: *spec'],
  ['with & in a quoted text', '/spool', '/pool'],
  ['with & in a plain text', "'a && b'", 'c && d'],
])('an app %s is read alone', async (_what, old, now) => {
  const text = SHARED.replace(old, now)
  const edited = await edit(text, SHARED)
  const whole = readAll(text)
  expect(edited?.app).toEqual(whole.apps?.find(({ name }) => name === edited?.app.name))
  expect(edited?.known.layout.anchors).toEqual(whole.known?.layout.anchors)
})

test('of an anchor that changed, what comes before the app counts', async () => {
  const once = await edit(SHARED.replace('&own {', '&one {'), SHARED)
  expect(once).toBeUndefined()
  const own = await edit(SHARED.replace('expire: 1d', 'expire: &late 1d'), SHARED)
  const text = own?.known.text.replace('expire: 7d', 'expire: *late') ?? ''
  const apps = readAll(own?.known.text ?? '').apps ?? []
  const edited = own && (await readEdit(own.known, text, { apps }))
  expect(edited?.app.procs[0]?.instances[0]).toMatchObject({
    server: '10.0.0.5',
    volumes: [{ schedules: [{ expire: '1d', spec: '0 5 * * *' }] }],
  })
})

test('an app with many volumes on a busy server is read alone', async () => {
  const volumes = (path: string) =>
    Array.from({ length: 3000 }, (_, n) => `      /data/${n}: { path: ${path}/${n} }\n`).join('')
  const app = (name: string) =>
    `  ${name}:\n    web:\n     on: [10.0.0.1]\n     volumes:\n${volumes(`/srv/${name}`)}`
  const before = `apps:\n${['a', 'b', 'c'].map(app).join('')}`
  const { known, apps } = readAll(before)
  if (!known || !apps) throw new Error('the file was not read')
  const text = before.replace('/srv/b/7 ', '/srv/other ')
  const read: string[] = []
  const edited = await readEdit(known, text, {
    apps,
    read(part) {
      read.push(part.text)
      return readWithLayout(part)
    },
  })
  expect(edited?.app.procs[0]?.instances[0]?.volumes[7]?.path).toBe('/srv/other')
  expect(read).toEqual([`apps:\n${app('b').replace('/srv/b/7 ', '/srv/other ')}`])
  const twins = await readEdit(known, before.replace('/srv/b/7 ', '/srv/c/7 '), { apps })
  expect(twins).toBeUndefined()
})

test('a file with very many aliases is read in one pass', () => {
  const uses = Array.from({ length: 20_000 }, (_, n) => `      /data/${n}: { backup_full: *nightly }\n`)
  const first = '      /first: { backup_full: &nightly { schedule: "@daily", expire: 7d } }\n'
  const text = `apps:\n  shop:\n    web:\n     on: [10.0.0.1]\n     volumes:\n${first}${uses.join('')}`
  const before = performance.now()
  expect(readAll(text).apps?.[0]?.procs[0]?.instances[0]?.volumes).toHaveLength(20_001)
  expect(performance.now() - before).toBeLessThan(20_000)
})

/** Texts that change the meaning of what follows, if anything does. */
const PIECES = [
  '&a ',
  '*a',
  '\n',
  '\n  ',
  '  x: {}\n',
  '---\n',
  '...\n',
  '|\n',
  '>-\n',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  ', ',
  '#',
]
PIECES.push(
  '# ',
  ': ',
  '&one ',
  '*one ',
  '&new ',
  '? ',
  '- ',
  '%',
  '!!map ',
  '\t',
  '\r\n',
  '    ',
  '1',
  'd',
  '<<: ',
  'apps:\n',
  'web: ',
  '2',
)

test.each([
  ['without anchors', FILE, 300],
  ['with anchors', SHARED, 100],
])('whatever is edited in a file %s, it reads as the whole file does', async (_what, file, least) => {
  let state = 1
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  const before = readAll(file)
  let read = 0
  for (let n = 0; n < 3000; n++) {
    const at = random(file.length)
    const piece = random(3) === 0 ? '' : (PIECES[random(PIECES.length)] ?? '')
    const text = file.slice(0, at) + piece + file.slice(at + random(4) * random(8))
    const edited = before.known && (await readEdit(before.known, text, { apps: before.apps ?? [] }))
    if (!edited) continue
    read += 1
    const whole = readAll(text)
    const apps = before.apps?.map((app) => (app.name === edited.app.name ? edited.app : app))
    const { apps: lines, anchors } = edited.known.layout
    expect({ text, apps, lines, anchors }).toEqual({
      text,
      apps: whole.apps,
      lines: whole.known?.layout.apps,
      anchors: whole.known?.layout.anchors,
    })
  }
  expect(read).toBeGreaterThan(least)
})
