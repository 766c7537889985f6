import { withoutControls } from '../lib/plain-text.ts'
import type { Hook, HookWord } from '../wire/hook.ts'
import type { NotedCall } from './hook-journal.ts'
import type { HookEnd } from './hook-place.ts'

/** What a hook did, for the record and the log. */
export interface HookReport extends HookEnd {
  word: HookWord
  /** null: on this machine. */
  container: string | null
  attempt: number
  policy: Hook['policy']
  /** `the hook pre_run (quiesce.sh) on this machine` */
  title: string
  /** Why it counts as failed, one sentence; empty if it succeeded. */
  failure: string
}

const MAX_SHOWN_OUTPUT = 500

export function describeCall(hook: Hook, { word, container, attempt }: NotedCall, end: HookEnd): HookReport {
  const failure = describeFailedCall(hook, { container, attempt }, end)
  const title = nameHook(hook, container)
  return { ...end, word, container, attempt, policy: hook.policy, title, failure }
}

function nameHook({ word, command }: Pick<Hook, 'word' | 'command'>, container: string | null): string {
  const where = container === null ? 'on this machine' : `in the container "${container}"`
  return `the hook ${word} (${command[0]}) ${where}`
}

function describeFailedCall(
  hook: Hook,
  { container, attempt }: Pick<NotedCall, 'container' | 'attempt'>,
  end: HookEnd,
): string {
  const what = describeHookEnd(hook, end)
  if (what === '') return ''
  const again = attempt > 1 ? `, attempt ${attempt}` : ''
  const output = withoutControls((end.stderr || end.stdout).trim()).slice(-MAX_SHOWN_OUTPUT)
  const problem = end.problem ? `; ${end.problem}` : ''
  return `${nameHook(hook, container)} ${what}${again}${problem}${output && `. It wrote: ${output}`}`
}

function describeHookEnd({ limitSeconds }: Hook, { how, exitCode }: HookEnd): string {
  if (how === 'timed-out') return `took longer than ${limitSeconds} s, its time limit, and was ended`
  if (how === 'not-begun') return 'could not be run'
  if (how === 'aborted') return 'was ended with its run'
  if (exitCode === 0) return ''
  return exitCode === null ? 'was killed by a signal' : `failed with exit code ${exitCode}`
}
