// `npm test`: lint with the import rules, type check, what is generated against what is checked in, all tests.
// The last line is `N passed, N failed`; arguments go to Vitest.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureBuilt, ensureInstalled, environment, root, tool } from './toolchain.mjs'

const colors = process.stdout.isTTY ? [] : ['--colors=off']
const counts = { passed: 0, failed: 0, skipped: 0 }
/** What failed, in words: printed once more at the end. */
const failures = []
/** Full titles of the tests that did not run. */
const skips = []

const checks = [
  ['install', ensureInstalled],
  ['build', ensureBuilt],
  ['lint', () => tool('biome', ['ci', '--error-on-warnings', ...colors, '.'])],
  ['types', () => tool('tsc', ['-p', 'tsconfig.json'])],
  ['types of the pages', () => tool('tsc', ['-p', 'src/web/tsconfig.json'])],
  ['tests', runTests],
]

for (const [name, check] of checks) {
  console.log(`\n── ${name}`)
  try {
    check()
  } catch (error) {
    failures.push(`${name}: ${error.message}`)
    console.error(failures.at(-1))
    if (name !== 'tests' || counts.failed === 0) counts.failed++
    if (name === 'install' || name === 'build') break
  }
}

printSkips()
if (process.env.BACKUPD_ALLOWED_SKIPS) checkSkips(process.env.BACKUPD_ALLOWED_SKIPS)
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
for (const failure of failures) console.error(`\n${failure}`)
console.log(`\n${counts.passed} passed, ${counts.failed} failed${skipped}`)
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0

function runTests() {
  const folder = mkdtempSync(join(tmpdir(), 'backupd-test-'))
  const report = join(folder, 'report.json')
  try {
    const given = process.argv.slice(2)
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    // Tests start hundreds of programs: what Node compiled for one of them is there for the next.
    const env = { ...environment, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node') }
    tool('vitest', ['run', ...reporters, ...given], { env })
  } finally {
    if (existsSync(report)) countTests(JSON.parse(readFileSync(report, 'utf8')))
    rmSync(folder, { recursive: true, force: true })
  }
}

function countTests(report) {
  counts.passed += report.numPassedTests
  counts.failed += report.numFailedTests
  counts.skipped += report.numPendingTests + report.numTodoTests
  for (const { name, message, assertionResults } of report.testResults) {
    if (message) failures.push(`${name}\n${message}`)
    for (const { status, fullName, failureMessages } of assertionResults) {
      if (status === 'pending' || status === 'skipped' || status === 'todo') skips.push(fullName)
      if (status === 'failed') failures.push(`${name} > ${fullName}\n${inOurs(failureMessages.join('\n'))}`)
    }
  }
}

/** What did not run, by what it lacks: a title says so as in `(needs restic)`. */
function printSkips() {
  const reasonOf = (title) => /\((needs? [^)]+)\)/.exec(title)?.[1] ?? 'the test itself says why'
  for (const reason of new Set(skips.map(reasonOf))) {
    const titles = skips.filter((title) => reasonOf(title) === reason)
    console.log(`\nSkipped, ${reason} (${titles.length}):`)
    for (const title of titles) console.log(`  ${title}`)
  }
}

/** A machine that has all that tests need may skip only what a file lists: one title a line, ` # ` and the reason. */
function checkSkips(file) {
  const lines = readFileSync(join(root, file), 'utf8').split('\n')
  const titles = lines.filter((line) => !line.startsWith('#')).map((line) => line.split(' # ')[0].trim())
  const allowed = titles.filter((title) => title !== '')
  for (const title of skips) {
    if (allowed.some((part) => title.includes(part))) continue
    failures.push(
      `Skipped although this machine must run it: "${title}". Install what it needs, or list it in ${file}`,
    )
    counts.failed++
  }
}

/** Without the frames of packages. */
function inOurs(stack) {
  return stack.replaceAll(/^ +at .*(node_modules|<anonymous>).*\n?/gm, '').trimEnd()
}
