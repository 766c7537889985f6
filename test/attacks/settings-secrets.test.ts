import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readSettings } from '../../src/fleet/read-settings.ts'
import { readSettingsFile } from '../../src/fleet/settings-file.ts'
import { tempDir } from '../support/temp-dir.ts'

const SECRET = 'hunter2-hunter2-hunter2'

function findProblem(text: string): string {
  const news = readSettings(text, 'settings.yaml')
  return news.kind === 'broken' ? news.problem : 'none'
}

const inWebhook = (text: string) => `notify:\n  sinks:\n    - webhook: ${text}\n`
const AT = 'url: https://a/b'

test.each([
  ['as an alias', inWebhook(`{ ${AT}, secret: *${SECRET} }`)],
  ['as the head of a text', inWebhook(`\n        ${AT}\n        secret: |${SECRET}\n`)],
  ['as a folded one', inWebhook(`\n        ${AT}\n        secret: >${SECRET}\n`)],
  ['with an escape', inWebhook(`{ ${AT}, secret: "\\x${SECRET}" }`)],
  ['as a tag', inWebhook(`{ ${AT}, secret: !<${SECRET} }`)],
  ['as the only key', inWebhook(`{ https://hooks.slack.com/${SECRET} }`)],
  ['as a key', inWebhook(`{ ${AT}, secret, ${SECRET} }`)],
  ['as a key twice', inWebhook(`{ ${SECRET}, ${SECRET} }`)],
  ['as a sink', `notify:\n  sinks:\n    - https://hooks.slack.com/${SECRET}: x\n`],
  ['as a format', inWebhook(`{ ${AT}, format: ${SECRET} }`)],
  ['at the top', `${SECRET}: x`],
  ['in a URL with a percent sign', inWebhook(`{ url: "https://user:50%${SECRET}@a/b" }`)],
])('a secret that stands in the wrong place, %s, is in no problem', (_what, text) => {
  const problem = findProblem(text)
  expect(problem).toMatch(/line \d+, column \d+: /)
  expect(problem.toLowerCase()).not.toContain(SECRET.slice(0, 7))
})

test('a misspelt word is named, with the one that was meant', () => {
  expect(findProblem(inWebhook(`{ ${AT}, secrte: x }`))).toContain(
    '"secrte" is not known here: did you mean "secret"?',
  )
})

const LISTED = 'SILENT, '.repeat(900)
const OTHERS = Array.from(
  { length: 49 },
  (_, n) => `{ name: n${n}, webhook: { ${AT} }, match: { kind: *k } }`,
)

test.each([
  ['nested deeply', '['.repeat(100_000), 'nested too deeply'],
  [
    'with too many kinds',
    `notify: { sinks: [{ webhook: { ${AT} }, match: { kind: [${LISTED.repeat(30)}] } }] }`,
    'at most 1000',
  ],
  ['with as many sinks as it takes', `notify: { sinks: [${'1,'.repeat(100_000)}] }`, 'at most 50'],
  ['larger than it may be', `notify: ${' '.repeat(300_000)}`, 'is larger than 0.25 MiB'],
])('settings that are %s do not hold the event loop', async (_what, text, problem) => {
  const file = join(tempDir(), 'settings.yaml')
  await writeFile(file, text)
  let turns = 0
  const timer = setInterval(() => void turns++, 1)
  expect(await readSettingsFile(file)).toMatchObject({
    kind: 'broken',
    problem: expect.stringContaining(problem),
  })
  clearInterval(timer)
  expect(turns).toBeGreaterThan(0)
})

test('long settings with aliases are read', async () => {
  const file = join(tempDir(), 'settings.yaml')
  const first = `{ webhook: { ${AT} }, match: { kind: &k [${LISTED}] } }`
  await writeFile(file, `notify: { sinks: [${[first, ...OTHERS].join(', ')}] }`)
  const news = await readSettingsFile(file)
  expect(news.kind === 'settings' && news.settings.sinks.map(({ match }) => match.kinds?.length)).toEqual(
    Array.from({ length: 50 }, () => 900),
  )
})
