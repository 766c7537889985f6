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

function edit(text: string) {
  const before = readAll(FILE)
  return before.known && before.apps && readEdit(before.known, text, before.apps)
}

test('an edit within an app is read, and where the apps are stays known', () => {
  const edited = edit(FILE.replace('10.0.0.3', '10.0.0.4'))
  expect(edited?.app.procs[0]?.instances[0]?.server).toBe('10.0.0.4')
  const longer = edit(FILE.replace('/srv/shop', '/srv/a/longer/path'))
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
  ['an anchor', FILE.replace('[10.0.0.1], vol', '&on [10.0.0.1], vol')],
])('an edit of %s is left to a reading of the whole file', (_what, text) => {
  expect(text).not.toBe(FILE)
  expect(edit(text)).toBeUndefined()
})

test('an app that uses the anchor of another one is not read alone', () => {
  const text = FILE.replace('on: [10.0.0.1, {', 'on: &on [10.0.0.1, {').replace(
    'on: [10.0.0.1], vol',
    'on: *on, vol',
  )
  const { known, apps = [] } = readAll(text)
  expect(apps).toHaveLength(3)
  expect(known && readEdit(known, text.replace('/srv/blog', '/srv/log'), apps)).toBeUndefined()
  expect(known && readEdit(known, text.replace('/srv/shop', '/srv/sho'), apps)).toBeUndefined()
  expect(known && readEdit(known, text.replace('@daily', '@hourly'), apps)?.app.name).toBe('mail')
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

test('whatever is edited, it reads as the whole file does', () => {
  let state = 1
  const random = (below: number) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
  const before = readAll(FILE)
  let read = 0
  for (let n = 0; n < 3000; n++) {
    const at = random(FILE.length)
    const piece = random(3) === 0 ? '' : (PIECES[random(PIECES.length)] ?? '')
    const text = FILE.slice(0, at) + piece + FILE.slice(at + random(4) * random(8))
    const edited = before.known && readEdit(before.known, text, before.apps ?? [])
    if (!edited) continue
    read += 1
    const whole = readAll(text)
    const apps = before.apps?.map((app) => (app.name === edited.app.name ? edited.app : app))
    expect({ text, apps, layout: edited.known.layout.apps }).toEqual({
      text,
      apps: whole.apps,
      layout: whole.known?.layout.apps,
    })
  }
  expect(read).toBeGreaterThan(300)
})
