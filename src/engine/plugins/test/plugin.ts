import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { BackupdError } from '../../../lib/errors.ts'
import { countStep } from '../../../lib/work-steps.ts'
import { parseShape } from '../../../wire/json.ts'
import type { Plugin, RunContext } from '../../plugin.ts'

/**
 * Every argument may be left out: `{}` is one step that succeeds immediately. `deaf`, `busy` and `die` are in every build,
 * because they show what a real daemon does about a child process that hangs or dies.
 */
const testArgsSchema = z.strictObject({
  /** How many steps of progress; one file of a KiB each. */
  steps: z.number().int().min(0).max(1_000_000).default(1),
  /** Between two steps, milliseconds. */
  delayMs: z.number().min(0).max(86_400_000).default(0),
  /** The step (from 1) that fails. */
  failAt: z.number().int().positive().optional(),
  /** How many warnings it gives; with any, the run is partial. */
  warnings: z.number().int().min(0).max(1_000_000).default(0),
  /** Keeps running after the last step until it is cancelled. */
  forever: z.boolean().default(false),
  /** With `forever`: ignores a cancel. */
  deaf: z.boolean().default(false),
  /** With `forever`: works without reporting progress. */
  busy: z.boolean().default(false),
  /** The last step kills the process. */
  die: z.boolean().default(false),
  /** An absolute path that no other run may hold at the same time. */
  volume: z.string().startsWith('/').optional(),
})
type TestArgs = z.infer<typeof testArgsSchema>

const STEP_BYTES = 1024

/** Changes nothing: tests the path from the controller to a child process and back. */
export const testPlugin: Plugin<TestArgs> = {
  name: 'test',
  parseArgs: (raw) => parseShape('The args of a test run', raw, testArgsSchema),
  needs: (args) => (args.volume === undefined ? [] : [args.volume]),
  async run(args, context) {
    context.progress({ phase: 'test', bytesTotal: args.steps * STEP_BYTES, filesTotal: args.steps })
    for (let step = 1; step <= args.steps; step++) await doStep(step, args, context)
    for (let n = 1; n <= args.warnings; n++) context.warn(`warning ${n} of ${args.warnings}`)
    if (args.die) process.kill(process.pid, 'SIGKILL')
    if (args.forever) await runOn(args, context)
    return {
      state: args.warnings > 0 ? 'partial' : 'success',
      reason: args.warnings > 0 ? `${args.warnings} warnings were requested` : '',
      result: { steps: args.steps },
    }
  },
}

async function doStep(step: number, args: TestArgs, context: RunContext): Promise<void> {
  context.signal.throwIfAborted()
  if (step === args.failAt) {
    throw new BackupdError('INTERNAL', `Step ${step} failed as requested`, { facts: { step } })
  }
  context.progress({ bytesDone: step * STEP_BYTES, filesDone: step, currentPath: `step-${step}` })
  if (args.delayMs > 0) await sleep(args.delayMs, undefined, { signal: context.signal })
}

async function runOn(args: TestArgs, context: RunContext): Promise<void> {
  const tick = args.busy ? 100 : 60_000
  for (;;) {
    await sleep(tick, undefined, args.deaf ? {} : { signal: context.signal })
    if (args.busy) countStep()
  }
}
