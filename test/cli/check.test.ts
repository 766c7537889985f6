import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runCommand } from '../../src/cli/run-command.ts'
import { temporaryDir } from '../support/daemon-kit.ts'
import { INVENTORY_KEYS } from '../support/inventory-keys.ts'

let dir: ReturnType<typeof temporaryDir>
let output: { stdout: string; stderr: string }

beforeEach(() => {
  dir = temporaryDir()
  output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      output[name] += text
      return true
    })
  }
})

afterEach(() => {
  vi.restoreAllMocks()
  dir[Symbol.dispose]()
})

async function check(text: string): Promise<number> {
  const file = join(dir.path, 'inventory.yaml')
  writeFileSync(file, text)
  return await runCommand(['check', file])
}

const read = (name: string) => readFile(new URL(`../../${name}`, import.meta.url), 'utf8')
const exampleOf = (page: string) => /```yaml\n(apps:[\s\S]*?)```/.exec(page)?.[1] ?? ''

test('the inventory of the README is valid, and its commands allow its paths', async () => {
  const readme = await read('README.md')
  expect(await check(exampleOf(readme))).toBe(0)
  expect(output.stdout).toContain('The inventory is valid: 2 volumes.')
  expect(output.stdout).toContain('10.0.0.1: --allow-path /srv/shop/db')
  const daemons = readme.match(/backupd daemon [^\n]*/g) ?? []
  expect(daemons).toHaveLength(2)
  for (const command of daemons) expect(command).toContain('--allow-path /srv/shop ')
})

test('the example of docs/inventory.md is valid, and the page names every key', async () => {
  const page = await read('docs/inventory.md')
  expect(await check(exampleOf(page))).toBe(0)
  expect(output.stdout).toContain('The inventory is valid: 4 volumes.')
  for (const key of INVENTORY_KEYS) expect(page).toContain(`\`${key}\``)
})

test('the verification of a volume is shown if it is not as usual', async () => {
  const volumes = '{ /a: { verify: off }, /b: { verify: { within: 7d, budget: 1TiB } }, /c: }'
  expect(await check(`apps:\n  shop:\n    web: { on: [10.0.0.1], volumes: ${volumes} }\n`)).toBe(0)
  const lines = output.stdout.split('\n').filter((line) => line.startsWith('10.0.0.1'))
  expect(lines.map((line) => line.replace(/.*no schedule,? ?/, ''))).toEqual([
    'verify off',
    'verify within 7d budget 1.0 TiB',
    '',
  ])
})

test('an inventory without volumes is valid, with a warning', async () => {
  expect(await check('apps: {}\n')).toBe(0)
  expect(output.stdout).toBe('The inventory is valid: 0 volumes. Nothing is backed up with it.\n')
})

test('an invalid file is refused with line and column, and exit code 1', async () => {
  expect(await check('apps:\n  shop:\n    web: { on: [10.0.0], volumes: {} }\n')).toBe(1)
  expect(output.stderr).toMatch(/^backupd: .*inventory.yaml cannot be used: line 3, column \d+: "10.0.0" is/)
})

test('a missing file is refused', async () => {
  expect(await runCommand(['check', join(dir.path, 'none.yaml')])).toBe(1)
  expect(output.stderr).toContain('none.yaml')
})

test('settings are checked, alone or with an inventory, and no secret of them is printed', async () => {
  const file = join(dir.path, 'settings.yaml')
  const mail =
    'email: { to: ops@example.org, from: b@example.org, server: "smtp://u:hunter2@mail.example.org" }'
  writeFileSync(
    file,
    `notify:
  ping: { url: "https://hc-ping.com/hunter2" }
  sinks:
    - { name: pager, webhook: { url: "https://a.example/hunter2", secret: hunter2hunter2hunter2 }, match: { severity: critical } }
    - { name: mail, ${mail}, quietHours: { from: "22:00", to: "7:05", zone: Europe/Berlin } }
`,
  )
  expect(await runCommand(['check', '--settings', file])).toBe(0)
  expect(output.stdout).toMatch(/pager +json +a.example +critical +any +any +never\n/)
  expect(output.stdout).toMatch(
    /mail +e-mail +ops@example.org through mail.example.org .* 22:00-07:05 Europe\/Berlin\n/,
  )
  expect(output.stdout).toContain('The settings are valid: 2 sinks, and a ping to hc-ping.com.\n')
  expect(output.stdout).not.toContain('hunter2')

  writeFileSync(file, 'notify: { sinks: 3 }\n')
  expect(await runCommand(['check', '--settings', file])).toBe(1)
  expect(output.stderr).toContain(
    `The settings ${file} cannot be used: line 1, column 18: a list belongs here`,
  )
  expect(await runCommand(['check'])).toBe(1)
  expect(output.stderr).toContain('No file is named')
})
