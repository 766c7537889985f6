import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { localDriver } from '../../src/objects/drivers/local.ts'
import { faultyDriver } from '../support/faulty-driver.ts'
import { given } from '../support/given.ts'
import { drop, writtenBackup } from '../support/sample-backups.ts'
import { ARCHIVE, IP, namesIn, T0 } from '../support/store-samples.ts'
import { tempDir } from '../support/temp-dir.ts'

const RID = `1795425846${'a'.repeat(32)}`

it('removes temporary files of dead runs, and only files with our names', async () => {
  const { store, dir } = await given.store()
  const { pending, rid } = await writtenBackup(store)
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
  const killed = await writtenBackup(store)
  const others = `another-${T0}.tar.gz.part-${RID}`
  writeFileSync(join(dir, IP, others), 'of a run that lives')
  const { pending, rid } = await writtenBackup(store, { isRunning: async (rid) => rid !== killed.rid })
  expect(namesIn(dir)).toEqual(
    [others, `${pending.name}.index.gz.part-${rid}`, `${pending.name}.part-${rid}`].sort(),
  )
  await pending.abandon()
  await drop(killed.pending)
})

it('publishes the complete backup of a killed run when the next one begins', async () => {
  const { store, dir, backups } = await given.withBackups(1).store()
  const [{ name, rid }] = backups
  renameSync(join(dir, IP, `${name}.manifest.json`), join(dir, IP, `${name}.manifest.json.part-${rid}`))
  const { pending } = await writtenBackup(store, { isRunning: async () => false })
  expect(pending.sequence).toBe(2)
  expect((await store.find(IP, name))?.info.state).toBe('success')
  await pending.abandon()
})

it.each([
  ['whole', false],
  ['too short', true],
])(
  'finishes the publish of an archive that is %s: synced before the manifest, and after it',
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
      .filter((call) => !/^(open|read|stat|names|list|lock|close) /.test(call))
    expect(steps).toEqual([
      ...(isShort ? [`replace ${manifest}.part-${rid}`] : []),
      `rename ${index}.part-${rid} ${index}`,
      `syncFolder ${IP}`,
      `rename ${manifest}.part-${rid} ${manifest}`,
      `syncFolder ${IP}`,
      `replace ${IP}/.meta`,
    ])
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
