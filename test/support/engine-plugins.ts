import { getPriority } from 'node:os'
import type { Plugin, RunOutcome } from '../../src/engine/plugin.ts'
import { testPlugin } from '../../src/engine/plugins/test/plugin.ts'
import { BackupdError } from '../../src/lib/errors.ts'
import { VERIFY_ACTION } from '../../src/wire/verification.ts'
import { VERIFY_DUE_ACTION } from '../../src/wire/verify-schedule.ts'

const success: RunOutcome = { state: 'success', reason: '', result: null }

/** Announces itself only if `args.announce` is set; then it may fail. */
const quietPlugin: Plugin<{ announce?: boolean; fail?: boolean }> = {
  name: 'quiet',
  quiet: true,
  parseArgs: (raw) => raw,
  needs: () => [],
  async run(args, context) {
    if (args.announce) await context.announce()
    if (args.fail) throw new Error('it went wrong')
    return success
  },
}

/** Answers with its args, after `args.afterMs`, or never. */
const echoPlugin: Plugin<{ say?: string; never?: boolean }> = {
  name: 'echo',
  answersAtOnce: true,
  parseArgs: (raw) => raw,
  needs: () => [],
  async run(args) {
    if (args.never) await new Promise<never>(() => setInterval(() => {}, 60_000))
    return { ...success, result: { said: args.say ?? '' } }
  },
}

/** Its result is the settings of its job. */
const optionsPlugin: Plugin = {
  name: 'options',
  parseArgs: (raw) => raw,
  needs: () => [],
  run: async (_args, { options }) => ({ ...success, reason: JSON.stringify(options) }),
}

/** Runs until it is aborted, then fails as a driver would that wraps every error, or with an error of its own. */
const wrappingPlugin: Plugin<{ own?: boolean }> = {
  name: 'wrapping',
  parseArgs: (raw) => raw,
  needs: () => [],
  async run({ own }, { signal, progress }) {
    progress({ phase: 'wait' })
    await new Promise((resolve) => {
      const alive = setInterval(() => {}, 60_000)
      signal.addEventListener('abort', () => resolve(clearInterval(alive)), { once: true })
    })
    throw new BackupdError('STORE_UNAVAILABLE', 'the store went away', own ? {} : { cause: signal.reason })
  },
}

/** Reports the locks that its args name. */
const settlePlugin: Plugin = {
  name: 'settle',
  parseArgs: (raw) => raw,
  needs: () => [],
  run: async (_args, { settings }) => ({
    ...success,
    result: {
      settled: [],
      locked: [{ volume: `${settings.volumeRoot}/locked`, journal: 'j', reason: 'its journal is open' }],
    },
  }),
}

/** Names one backup until that was tried. */
const verifyDuePlugin: Plugin<{ tried?: string[] }> = {
  name: VERIFY_DUE_ACTION,
  quiet: true,
  parseArgs: (raw) => raw,
  needs: () => [],
  async run({ tried = [] }) {
    const due = { app: 'shop', proc: 'shop.web.web', backup: 'one', namespace: '127.0.0.1', bytes: 1 }
    const numbers = { bytes: 1, nightlyBytes: 1, shortestDays: 30, longestDays: 30, tooLarge: 0 }
    const plan = { next: tried.includes('one') ? [] : [due], hasMore: false }
    return { ...success, result: { ...plan, demand: { ...numbers, budgetBytes: 1 } } }
  },
}

/** Reads until it is paused, then until it may go on. Its paths are its CPU priority. */
const verifyPlugin: Plugin = {
  name: VERIFY_ACTION,
  parseArgs: (raw) => raw,
  needs: () => [],
  async run(_args, { pausing, signal, progress }) {
    if (!pausing) throw new Error('it cannot be paused')
    const paused = Promise.withResolvers<void>()
    using _listening = pausing.listen((isPaused) => isPaused && paused.resolve())
    progress({ phase: 'reads', currentPath: String(getPriority()) })
    const alive = setInterval(() => {}, 60_000)
    await paused.promise
    progress({ phase: 'gives way' })
    await pausing.resumed(signal)
    clearInterval(alive)
    return success
  },
}

export const enginePlugins: readonly Plugin[] = [
  optionsPlugin,
  testPlugin,
  quietPlugin,
  echoPlugin,
  wrappingPlugin,
  settlePlugin,
  verifyDuePlugin,
  verifyPlugin,
]
