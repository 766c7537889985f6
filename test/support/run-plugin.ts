import type { Plugin, RunContext, RunOutcome, RunSettings } from '../../src/engine/plugin.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { newRid } from '../../src/wire/ids.ts'
import type { RunResult } from '../../src/wire/record.ts'

export interface Ran extends RunOutcome {
  warnings: string[]
  result: RunResult
}

export interface PluginCall {
  args: Readonly<Record<string, unknown>>
  change?: Partial<RunContext>
}

/** Runs a plugin in this process. */
export async function runPlugin<Args>(
  plugin: Plugin<Args>,
  settings: RunSettings,
  call: PluginCall,
): Promise<Ran> {
  const warnings: string[] = []
  const context: RunContext = {
    rid: newRid(Date.now()),
    jobId: '',
    settings,
    options: {},
    clock: systemClock,
    signal: new AbortController().signal,
    log: () => {},
    progress: () => {},
    warn: (message) => void warnings.push(message),
    announce: async () => {},
    isRunning: async () => false,
    ...call.change,
  }
  // Some machines have processes that cannot be inspected.
  const isOurs = (warning: string) => !warning.startsWith('processes that could not be inspected')
  const outcome = await plugin.run(plugin.parseArgs(call.args), context)
  return { ...outcome, result: outcome.result ?? {}, warnings: warnings.filter(isOurs) }
}
