import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { access, mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { InventorySource } from '../../src/domain/ports.ts'
import { createInventoryFile } from '../../src/fleet/inventory-file.ts'
import type { InventoryNews } from '../../src/wire/inventory.ts'
import { silentLog } from '../support/silent-log.ts'
import { tempDir } from '../support/temp-dir.ts'

/** An inventory whose app is named. */
function of(app: string): string {
  return `apps: { ${app}: { web: { on: [10.0.0.1], volumes: [/v] } } }\n`
}

/** Watches, and hands out the news one by one: an app's name, or the problem. */
async function watched(file: string, { hasLastGood = false, retryMs = 60_000 } = {}) {
  const options = { file, localIp: '127.0.0.1', log: silentLog, retryMs }
  const source: InventorySource = createInventoryFile(options)
  const news: string[] = []
  const waiting: ((word: string) => void)[] = []
  const onNews = (told: InventoryNews) => {
    const word = told.kind === 'broken' ? told.problem : (told.inventory.apps[0]?.name ?? 'no app')
    const waiter = waiting.shift()
    if (waiter) waiter(word)
    else news.push(word)
  }
  const watching = await source.watch(onNews, { hasLastGood })
  onTestFinished(() => watching.close())
  const next = () => {
    const word = news.shift()
    return word === undefined
      ? new Promise<string>((resolve) => waiting.push(resolve))
      : Promise.resolve(word)
  }
  return { next, reread: () => watching.reread(), close: () => watching.close(), left: news }
}

async function folderWith(text: string) {
  const folder = tempDir(tmpdir())
  const file = join(folder, 'inventory.yaml')
  await writeFile(file, text)
  return { folder, file }
}

describe('the first state', () => {
  test('and a change before the file is watched are both reported before watch() resolves', async () => {
    const { file } = await folderWith(of('one'))
    const apps: (string | undefined)[] = []
    const source = createInventoryFile({ file, localIp: '127.0.0.1', log: silentLog })
    const onNews = (news: InventoryNews) => {
      apps.push(news.kind === 'broken' ? news.problem : news.inventory.apps[0]?.name)
      if (apps.length === 1) writeFileSync(file, of('two'))
    }
    const watching = await source.watch(onNews, { hasLastGood: false })
    onTestFinished(() => watching.close())
    expect(apps).toEqual(['one', 'two'])
  })

  test('is reported before watch() resolves', async () => {
    const { file } = await folderWith(of('one'))
    const { left } = await watched(file)
    expect(left).toEqual(['one'])
  })

  test.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    ['is missing', (file) => unlink(file), /^The inventory \/.*inventory\.yaml does not exist$/],
    [
      'is broken',
      (file) => writeFile(file, 'aps:'),
      /^The inventory \/.*inventory\.yaml cannot be used: line 1, column 1: "aps"/,
    ],
    ['is a directory', (file) => unlink(file).then(() => mkdir(file)), /is not a file$/],
    ['is not UTF-8', (file) => writeFile(file, Buffer.from([0x61, 0xff])), /is not a text in UTF-8/],
    ['is huge', (file) => writeFile(file, Buffer.alloc(17 * 1024 * 1024, '#')), /is larger than 16 MiB/],
  ])('that %s rejects', async (_, spoil, message) => {
    const { file } = await folderWith(of('one'))
    await spoil(file)
    await expect(watched(file)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(message),
    })
  })
})

describe('a change is reported', () => {
  test('when the file is edited in place', async () => {
    const { file } = await folderWith(of('one'))
    const { next } = await watched(file)
    expect(await next()).toBe('one')
    await writeFile(file, of('two'))
    expect(await next()).toBe('two')
  })

  test('when an editor replaces the file, again and again', async () => {
    const { folder, file } = await folderWith(of('a0'))
    const { next } = await watched(file)
    expect(await next()).toBe('a0')
    for (const app of ['a1', 'a2', 'a3']) {
      await writeFile(join(folder, 'new'), of(app))
      await rename(join(folder, 'new'), file)
      expect(await next()).toBe(app)
    }
  })

  test('when a ConfigMap turns its ..data link', async () => {
    const folder = tempDir(tmpdir())
    const publish = async (version: string, text: string) => {
      await mkdir(join(folder, version))
      await writeFile(join(folder, version, 'inventory.yaml'), text)
      await symlink(version, join(folder, '..data_tmp'))
      await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    await publish('..1', of('one'))
    await symlink('..data/inventory.yaml', join(folder, 'inventory.yaml'))
    const { next } = await watched(join(folder, 'inventory.yaml'))
    expect(await next()).toBe('one')
    await publish('..2', of('two'))
    await rm(join(folder, '..1'), { recursive: true })
    expect(await next()).toBe('two')
    await publish('..3', 'broken')
    expect(await next()).toContain('cannot be used')
  })

  test('when a link to a file elsewhere changes, or its target', async () => {
    const { folder, file } = await folderWith(of('one'))
    const other = await folderWith(of('three'))
    await symlink(folder, join(other.folder, 'current'))
    const { next } = await watched(join(other.folder, 'current', 'inventory.yaml'))
    expect(await next()).toBe('one')
    await writeFile(file, of('two'))
    expect(await next()).toBe('two')
    await symlink('.', join(other.folder, 'new'))
    await rename(join(other.folder, 'new'), join(other.folder, 'current'))
    expect(await next()).toBe('three')
  })

  test('when the directory disappears and returns', async () => {
    const outer = tempDir(tmpdir())
    const folder = join(outer, 'etc', 'backupd')
    const file = join(folder, 'inventory.yaml')
    await mkdir(folder, { recursive: true })
    await writeFile(file, of('one'))
    const { next } = await watched(file)
    expect(await next()).toBe('one')
    await rm(join(outer, 'etc'), { recursive: true })
    expect(await next()).toMatch(/does not exist$/)
    await mkdir(folder, { recursive: true })
    await writeFile(file, of('two'))
    expect(await next()).toBe('two')
  })

  test.each<[string, (folder: string) => void]>([
    [
      'created again',
      (folder) => {
        rmSync(folder, { recursive: true })
        mkdirSync(folder)
        writeFileSync(join(folder, 'inventory.yaml'), of('two'))
      },
    ],
    [
      'exchanged by renames',
      (folder) => {
        mkdirSync(`${folder}.new`)
        writeFileSync(join(`${folder}.new`, 'inventory.yaml'), of('two'))
        renameSync(folder, `${folder}.old`)
        renameSync(`${folder}.new`, folder)
      },
    ],
  ])('when the directory is %s atomically, and later edits in it', async (_how, replace) => {
    const folder = join(tempDir(tmpdir()), 'backupd')
    const file = join(folder, 'inventory.yaml')
    await mkdir(folder)
    await writeFile(file, of('one'))
    const { next } = await watched(file)
    expect(await next()).toBe('one')
    replace(folder)
    expect(await next()).toBe('two')
    await writeFile(file, of('three'))
    expect(await next()).toBe('three')
  })

  test('of a large file too', async () => {
    const { file } = await folderWith(of('one'))
    const { next } = await watched(file)
    expect(await next()).toBe('one')
    await writeFile(file, `${of('large')}# ${'x'.repeat(100_000)}\n`)
    expect(await next()).toBe('large')
  })
})

test('a broken edit and its repair are reported once each', async () => {
  const { folder, file } = await folderWith(of('one'))
  const { next, left } = await watched(file)
  expect(await next()).toBe('one')
  await writeFile(file, 'apps: [')
  expect(await next()).toMatch(/inventory\.yaml cannot be used: line/)
  await writeFile(file, of('one'))
  expect(await next()).toBe('one')
  await unlink(file)
  expect(await next()).toMatch(/does not exist$/)
  await writeFile(file, of('one'))
  expect(await next()).toBe('one')
  await writeFile(file, of('one'))
  await writeFile(join(folder, 'another file'), 'x')
  await writeFile(file, of('two'))
  expect(await next()).toBe('two')
  expect(left).toEqual([])
})

test('after close nothing is reported', async () => {
  const { file } = await folderWith(of('one'))
  const first = await watched(file)
  const second = await watched(file)
  expect([await first.next(), await second.next()]).toEqual(['one', 'one'])
  await first.close()
  await writeFile(file, of('two'))
  expect(await second.next()).toBe('two')
  expect(first.left).toEqual([])
})

describe('read again on request', () => {
  test('reports no unchanged file, and a changed one before it resolves', async () => {
    const { file } = await folderWith(of('one'))
    const { next, reread, left } = await watched(file)
    expect(await next()).toBe('one')
    await reread()
    expect(left).toEqual([])
    await writeFile(file, of('two'))
    await reread()
    expect(left).toEqual(['two'])
  })
})

test('a file that is broken at the start is reported as broken if there is a last good inventory', async () => {
  const { file } = await folderWith('apps')
  const { next } = await watched(file, { hasLastGood: true })
  expect(await next()).toMatch(/^The inventory .*line 1/)
  await writeFile(file, of('one'))
  expect(await next()).toBe('one')
})

test('edits of single apps of a large file are read one after the other, and so is one that breaks it', async () => {
  const apps = Array.from({ length: 500 }, (_, n) => {
    return `  app${n}: { web: { on: [10.0.0.1], volumes: { /v: { path: /srv/${n} } } } }\n`
  })
  const text = `apps:\n${apps.join('')}`
  const { file } = await folderWith(text)
  const news: InventoryNews[] = []
  const source = createInventoryFile({ file, localIp: '127.0.0.1', log: silentLog })
  const watching = await source.watch((told) => void news.push(told), { hasLastGood: false })
  onTestFinished(() => watching.close())
  const read = async (from: string, to: string) => {
    await writeFile(file, text.replace(from, to))
    await watching.reread()
    const last = news.at(-1)
    return last?.kind === 'inventory' ? last.inventory.apps : last?.problem
  }
  const first = news[0]?.kind === 'inventory' ? news[0].inventory.apps : []
  const second = await read('/srv/7 ', '/srv/seven ')
  expect(second?.[7]).toMatchObject({ procs: [{ instances: [{ volumes: [{ path: '/srv/seven' }] }] }] })
  expect(second?.[8]).toBe(first[8])
  expect(await read('/srv/7 ', '/srv/8 ')).toMatch(/line 10, column .* are in the same directory/)
  expect(await read('/srv/7 ', '/srv/sieben ')).toHaveLength(500)
  expect(await read('/srv/7 ', '/srv/7 ')).toEqual(first)
})

test('a stop ends the first reading of a large file, without news', async () => {
  const { file } = await folderWith(`${of('one')}${'#'.repeat(20_000)}\n`)
  const news: InventoryNews[] = []
  const stop = new AbortController()
  const source = createInventoryFile({ file, localIp: '127.0.0.1', log: silentLog })
  const starting = source.watch((told) => void news.push(told), { hasLastGood: false, stop: stop.signal })
  stop.abort()
  await (await starting).close()
  expect(news).toEqual([])
})

test('an app of a large file gets its first procs by an edit', async () => {
  const apps = Array.from({ length: 500 }, (_, n) => {
    return `  app${n}: { web: { on: [10.0.0.1], volumes: { /v: { path: /srv/${n} } } } }\n`
  })
  const text = `apps:\n${apps.join('')}  mm: {}\n`
  const { file } = await folderWith(text)
  const news: InventoryNews[] = []
  const source = createInventoryFile({ file, localIp: '127.0.0.1', log: silentLog })
  const watching = await source.watch((told) => void news.push(told), { hasLastGood: false })
  onTestFinished(() => watching.close())
  await writeFile(
    file,
    text.replace('mm: {}', 'mm: { web: { on: [10.0.0.1], volumes: { /v: { path: /srv/mm } } } }'),
  )
  await watching.reread()
  const last = news.at(-1)
  expect(last?.kind === 'inventory' && last.inventory.apps.at(-1)).toMatchObject({ name: 'mm' })
})

test('a read that failed for want of a process is tried again without another edit', async () => {
  const { folder, file } = await folderWith(of('one'))
  const shield = join(folder, 'fail.mjs')
  await writeFile(shield, 'process.exit(7)')
  const { next } = await watched(file, { retryMs: 200 })
  expect(await next()).toBe('one')
  vi.stubEnv('NODE_OPTIONS', `--import=${shield}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  await writeFile(file, `${of('two')}${'#'.repeat(20_000)}\n`)
  expect(await next()).toContain('exit code 7')
  await writeFile(shield, '')
  expect(await next()).toBe('two')
})

test('a close ends a read that takes long, and reports nothing of it', async () => {
  const { folder, file } = await folderWith(of('one'))
  const begun = join(folder, 'begun')
  const slow = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(begun)}, ''); setTimeout(() => {}, 30_000); await new Promise(() => {})`
  await writeFile(join(folder, 'slow.mjs'), slow)
  const { next, close, left } = await watched(file)
  expect(await next()).toBe('one')
  vi.stubEnv('NODE_OPTIONS', `--import=${join(folder, 'slow.mjs')}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  await writeFile(file, `${of('two')}${'#'.repeat(20_000)}\n`)
  await vi.waitFor(() => access(begun), { timeout: 10_000 })
  const start = performance.now()
  await close()
  expect(performance.now() - start).toBeLessThan(5_000)
  expect(left).toEqual([])
})
