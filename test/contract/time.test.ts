import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// The rule stands in src/lib/clock.ts: whatever decides by the time takes a Clock from its caller.

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Reader {
  files: RegExp
  why: string
}

/** Who may read the time of the system itself. */
const READERS: readonly Reader[] = [
  { files: /^src\/lib\/clock\.ts$/, why: 'the clock of the system' },
  {
    files:
      /^src\/(controller\/send-turns|controller\/send-elements|metrics\/metric-family|lib\/in-slices|restic\/write\/turn|volume\/tree\/recheck\/recheck-steps)\.ts$/,
    why: 'measures one turn of the event loop, to give way to others',
  },
  {
    files: /^src\/volume\/tree\/(fast-stat|recheck\/changed-files)\.ts$/,
    why: 'measures one call, to notice a file system that makes it wait',
  },
  { files: /^src\/lib\/wait-meter\.ts$/, why: 'measures the calls of a driver' },
  { files: /^src\/lib\/own-time\.ts$/, why: 'measures by how much this process is late' },
  {
    files: /^src\/volume\/tree\/(flush-writes|flush-volume|recheck\/begin-time|recheck\/walk-log)\.ts$/,
    why: 'compares with ctimes, which the kernel takes from the clock of the machine',
  },
  {
    files: /^src\/volume\/tree\/volume\.ts$/,
    why: 'how long one walk trusts a list of mounts: they are those of the machine',
  },
  {
    files: /^src\/objects\/drivers\/local-lock\.ts$/,
    why: 'gives up waiting for a process that hangs with a lock',
  },
  {
    files: /^src\/objects\/cache\/(folder-cache|evict-oldest)\.ts$/,
    why: 'notes when a copy was used; the oldest ones are deleted, and any copy can be made again',
  },
  {
    files: /^src\/objects\/drivers\/s3\/(write-options|stored-object)\.ts$/,
    why: 'sets and reads the end of locks, which the server compares with the real time, like that of each request',
  },
  { files: /^src\/volume\/swap\/restore-time\.ts$/, why: 'sets the access time of a folder' },
  { files: /^src\/lib\/schedule\/machine-zone\.ts$/, why: 'looks up what offsets a zone has this year' },
  { files: /^src\/daemon\/memory\/database\.ts$/, why: 'names a damaged file that is set aside' },
  { files: /^src\/engine\/timers\.ts$/, why: 'node-schedule compares dates with the clock of the machine' },
  { files: /^src\/fleet\/file-watch\.ts$/, why: 'sets a timer, after which it looks at the file again' },
]

const READS = /\b(Date\.now|performance\.now|process\.hrtime)\b|\bnew Date\(\)/

/** Who may set a timer of the system. Code that decides by the time uses Clock.after(). */
const TIMERS: readonly Reader[] = [
  { files: /^src\/lib\/clock\.ts$/, why: 'the timers of the clock itself' },
  {
    files:
      /^src\/(controller\/send-elements|resolvers\/in-turns|metrics\/metric-family|lib\/in-slices|restic\/write\/turn|volume\/tree\/recheck\/recheck-steps)\.ts$/,
    why: 'gives way to others for one turn of the event loop',
  },
  {
    files:
      /^src\/(controller\/download-route|daemon\/http\/server|domain\/notify\/notify-desk|engine\/within|http\/app|http\/certified-listener|lib\/own-time|volume\/tree\/flush-volume)\.ts$/,
    why: 'gives up waiting for a request, a process, a connection or a disk',
  },
  {
    files:
      /^src\/(objects\/drivers\/local-lock|restic\/repository\/lock|engine\/run-locks|store\/kinds\/series\/expire-series)\.ts$/,
    why: 'waits before it tries a lock again',
  },
  {
    files:
      /^src\/(engine\/runs|engine\/settle|engine\/settle-later|lib\/sleep|store\/kinds\/series\/repository-password)\.ts$/,
    why: 'waits before it tries again',
  },
  {
    files:
      /^src\/(controller\/server|controller\/clock-file|controller\/socket-principals|controller\/tls-listener|daemon\/keep-time|daemon\/kept-copies|daemon\/upkeep|engine\/store-wait|engine\/timers|lib\/data-room)\.ts$/,
    why: 'looks again from time to time; a clock or the state of the disk decides what is due',
  },
  {
    files:
      /^src\/(engine\/live-record|engine\/child-reporter|engine\/child-run|hooks\/wait-for-call|fleet\/lainlet-documents|fleet\/file-watch)\.ts$/,
    why: 'limits how often something is sent or read',
  },
  { files: /^src\/controller\/keep-audit\.ts$/, why: 'writes from time to time what has gathered meanwhile' },
  { files: /^src\/daemon\/notifier\/wake\.ts$/, why: 'the notifier looks again at what is to be sent' },
  {
    files: /^src\/volume\/tree\/(flush-writes|recheck\/begin-time)\.ts$/,
    why: 'waits for the next tick of the kernel, from which it takes ctimes',
  },
  { files: /^src\/fleet\/daemon-connections\.ts$/, why: 'closes what was not used for a while' },
  { files: /^src\/engine\/plugins\/test\/plugin\.ts$/, why: 'an action that only takes time' },
]

const SETS_TIMER = /\b(setTimeout|setInterval)\(|'(node:)?timers(\/promises)?'/

/** Where a program begins, and hands the clock to what it starts. */
const STARTS = /^src\/(cli\/[^/]+|engine\/child-main|lib\/clock)\.ts$/

const sources = globSync('src/**/*.{ts,tsx}', { cwd: root })
  .filter((file) => !/\/generated\/|^src\/web\//.test(file))
  .map((file) => ({ file, text: readFileSync(`${root}/${file}`, 'utf8') }))
const readers = sources.filter(({ text }) => READS.test(text)).map(({ file }) => file)
const timers = sources.filter(({ text }) => SETS_TIMER.test(text)).map(({ file }) => file)

test('what decides by the time is handed a clock', () => {
  expect(readers.filter((file) => !READERS.some(({ files }) => files.test(file)))).toEqual([])
})

test('each reader of the time is still one', () => {
  expect(READERS.filter(({ files }) => !readers.some((file) => files.test(file)))).toEqual([])
})

test("only timers that retry, give up, limit or give way are the system's", () => {
  expect(timers.filter((file) => !TIMERS.some(({ files }) => files.test(file)))).toEqual([])
})

test('each file with a timer still has one', () => {
  const named = TIMERS.flatMap(({ files }) => sources.filter(({ file }) => files.test(file)))
  expect(named.filter(({ file }) => !timers.includes(file)).map(({ file }) => file)).toEqual([])
  expect(TIMERS.filter(({ files }) => !timers.some((file) => files.test(file)))).toEqual([])
})

test("only a program's start names the clock of the system", () => {
  const named = sources.filter(({ text }) => /\bsystemClock\b/.test(text)).map(({ file }) => file)
  expect(named.filter((file) => !STARTS.test(file))).toEqual([])
})
