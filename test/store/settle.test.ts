import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { BackupdError } from '../../src/lib/errors.ts'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { faultyLocal } from '../support/faulty-local.ts'
import { given } from '../support/given.ts'
import { publishSample, writePendingBackup } from '../support/sample-backups.ts'
import { ARCHIVE, IP, namesIn, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const RID = `1795425846${'a'.repeat(32)}`

it('removes temporary files of dead runs, and only files with our names', async () => {
  const { store, dir } = await given.store()
  const { pending, rid } = await writePendingBackup(store)
  const strange = [
    'x.part-1',
    `x.part-${RID}`,
    `${ARCHIVE}-${T0}.tar.gz.part`,
    `${ARCHIVE}-${T0}.tar.gz.part-zz`,
    'notes.txt',
  ]
  for (const name of strange) writeFileSync(join(dir, IP, name), 'not ours')
  mkdirSync(join(dir, IP, `${ARCHIVE}-${T0}.tar.gz.part-${RID.replace('1', '2')}`))
  const { swept, unknown, rolledForward } = await store.settle()
  expect(swept.sort()).toEqual([`${pending.name}.index.gz.part-${rid}`, `${pending.name}.part-${rid}`])
  expect(rolledForward).toEqual([])
  expect(unknown).toEqual(namesIn(dir))
  expect(unknown.length).toBe(strange.length + 1)
})

it('removes leftovers of a killed run when the next one of the archive begins, and no others', async () => {
  const { store, dir } = await given.store()
  const killed = await writePendingBackup(store)
  const others = `another-${T0}.tar.gz.part-${RID}`
  writeFileSync(join(dir, IP, others), 'of a run that lives')
  const { pending, rid } = await writePendingBackup(store, { isRunning: async (rid) => rid !== killed.rid })
  expect(namesIn(dir)).toEqual(
    [others, `${pending.name}.index.gz.part-${rid}`, `${pending.name}.part-${rid}`].sort(),
  )
  await pending.abandon()
})

it('publishes the complete backup of a killed run when the next one begins', async () => {
  const { store, dir, backups } = await given.withBackups(1).store()
  const [{ name, rid }] = backups
  renameSync(join(dir, IP, `${name}.manifest.json`), join(dir, IP, `${name}.manifest.json.part-${rid}`))
  const { pending } = await writePendingBackup(store, { isRunning: async () => false })
  expect(pending.sequence).toBe(2)
  expect((await store.find(IP, name))?.info.state).toBe('success')
  await pending.abandon()
})

it.each([
  ['whole', false],
  ['too short', true],
])(
  'finishes the publish of an archive that is %s, as an earlier version left it: its index, then its manifest',
  async (_, isShort) => {
    const dir = tempDir()
    const driver = faultyDriver(localDriver(dir))
    const { store, backups } = await given.withBackups(1).store({ dir, driver })
    const [{ name, rid }] = backups
    const [index, manifest] = [`${IP}/${name}.index.gz`, `${IP}/${name}.manifest.json`]
    for (const piece of [index, manifest]) renameSync(join(dir, piece), join(dir, `${piece}.part-${rid}`))
    unlinkSync(join(dir, IP, '.meta'))
    if (isShort) writeFileSync(join(dir, IP, name), 'short')
    const before = driver.calls.length
    expect((await store.settle()).rolledForward).toEqual([name])
    const steps = driver.calls
      .slice(before)
      .filter((call) => !/^(open|read|stat|names|list|lock|write|sync) /.test(call))
    expect(steps.slice(0, 4)).toEqual(
      [index, manifest].flatMap((name) => [`create ${name}`, `commit ${name}`]),
    )
    expect(steps.slice(4).sort()).toEqual([
      `remove ${index}.part-${rid}`,
      `remove ${manifest}.part-${rid}`,
      `replace ${IP}/.meta`,
    ])
    expect((await store.find(IP, name))?.info.corrupt).toEqual(
      isShort ? 'the archive was 5 bytes after a crash, expected 23' : null,
    )
  },
)

it('reports unknown objects, and leaves them alone', async () => {
  const { store, dir, backups } = await given.withBackups(1).store()
  const [{ name }] = backups
  writeFileSync(join(dir, IP, 'stray-1700000000.tar.gz'), 'x')
  writeFileSync(join(dir, IP, 'lost-1700000001.tar.gz.index.gz'), 'x')
  mkdirSync(join(dir, IP, 'folder'))
  mkdirSync(join(dir, IP, 'repo'))
  symlinkSync('/etc/passwd', join(dir, IP, 'link-1700000002.tar.gz'))
  const before = readdirSync(join(dir, IP))
  const { unknown } = await store.settle()
  expect(unknown).toEqual([
    'folder',
    'link-1700000002.tar.gz',
    'lost-1700000001.tar.gz.index.gz',
    'stray-1700000000.tar.gz',
  ])
  expect(readdirSync(join(dir, IP)).sort()).toEqual(before.sort())
  expect((await store.find(IP, name))?.info.corrupt).toBeNull()
})

it('publishes nothing without its archive', async () => {
  const { store, dir, names, backups } = await given.withBackups(1).store()
  const [{ name, rid }] = backups
  renameSync(join(dir, IP, `${name}.manifest.json`), join(dir, IP, `${name}.manifest.json.part-${rid}`))
  unlinkSync(join(dir, IP, name))
  expect((await store.settle()).rolledForward).toEqual([])
  expect(names()).toEqual([])
})

it('removes the index of an abandoned publish for good before its intent', async () => {
  const dir = tempDir()
  const driver = faultyDriver(localDriver(dir))
  const { store, backups } = await given.withBackups(1).store({ dir, driver })
  const [{ name, rid }] = backups
  const intent = `${name}.manifest.json.part-${rid}`
  renameSync(join(dir, IP, `${name}.manifest.json`), join(dir, IP, intent))
  unlinkSync(join(dir, IP, name))
  const before = driver.calls.length
  await store.settle()
  expect(driver.calls.slice(before).filter((call) => /^(remove|syncFolder) /.test(call))).toEqual([
    `remove ${IP}/${name}.index.gz`,
    `syncFolder ${IP}`,
    `remove ${IP}/${intent}`,
  ])
})

it('publishes nothing by a manifest of another run', async () => {
  const { store, dir, backups } = await given.withBackups(1).store()
  const [{ name }] = backups
  renameSync(join(dir, IP, `${name}.manifest.json`), join(dir, IP, `${name}.manifest.json.part-${RID}`))
  const { rolledForward } = await store.settle()
  expect(rolledForward).toEqual([])
  expect(existsSync(join(dir, IP, name))).toBe(true)
})

it('changes no other namespace', async () => {
  const { store, dir } = await given.store()
  mkdirSync(join(dir, '10.0.0.2'))
  const part = join(dir, '10.0.0.2', `${ARCHIVE}-${T0}.tar.gz.part-${RID}`)
  writeFileSync(part, 'alive')
  await store.settle()
  expect(existsSync(part)).toBe(true)
})

it('leaves the index of an existing archive, whatever a dead run left of its manifest', async () => {
  const { store, dir, names, backups } = await given.withBackups(1).store()
  const [{ name }] = backups
  renameSync(join(dir, IP, `${name}.manifest.json`), join(dir, IP, `${name}.manifest.json.part-${RID}`))
  const { rolledForward, swept } = await store.settle()
  expect(rolledForward).toEqual([])
  expect(swept).toEqual([`${name}.manifest.json.part-${RID}`])
  expect(names()).toEqual([name, `${name}.index.gz`])
})

it('sweeps the second name of an object whose commit was interrupted', async () => {
  const { store, dir } = await given.store()
  const { name, rid } = await publishSample(store)
  const whole = namesIn(dir)
  const part = (piece: string) => `${name}${piece}.part-${rid}`
  const second = ['', '.index.gz'].map(part)
  for (const piece of ['', '.index.gz'])
    linkSync(join(dir, IP, `${name}${piece}`), join(dir, IP, part(piece)))
  expect((await store.settle()).swept.sort()).toEqual(second.sort())
  for (const piece of ['', '.index.gz'])
    linkSync(join(dir, IP, `${name}${piece}`), join(dir, IP, part(piece)))
  renameSync(join(dir, IP, `${name}.manifest.json`), join(dir, IP, part('.manifest.json')))
  expect(await store.settle()).toEqual({ rolledForward: [name], swept: [], unknown: [] })
  expect(namesIn(dir)).toEqual(whole)
})

it('keeps what it cannot finish in a full store, and finishes it when there is room', async () => {
  const dir = tempDir()
  const driver = faultyLocal(dir)
  const { store, warnings } = await given.store({ dir, driver })
  const { name, rid } = await publishSample(store)
  const whole = namesIn(dir)
  const { pending: killed, rid: other } = await writePendingBackup(store)
  for (const piece of ['.manifest.json', '.index.gz'])
    renameSync(join(dir, IP, `${name}${piece}`), join(dir, IP, `${name}${piece}.part-${rid}`))
  const left = namesIn(dir).filter((each) => each.startsWith(name))
  driver.fail('commit').with(new BackupdError('STORE_FULL', 'no room'))
  const { rolledForward, swept } = await store.settle()
  expect(rolledForward).toEqual([])
  expect(swept.sort()).toEqual([`${killed.name}.index.gz.part-${other}`, `${killed.name}.part-${other}`])
  expect(namesIn(dir)).toEqual(left)
  expect(warnings).toEqual([expect.stringContaining('is complete, but the store has no room')])
  expect((await store.list(IP, { limit: 10 })).backups).toEqual([])
  expect((await store.settle()).rolledForward).toEqual([name])
  expect(namesIn(dir)).toEqual(whole)
})
