import { BackupdError, messageOf } from './errors.ts'
import { findSystemErrorCode } from './system-errors.ts'

/** Splits a long procedure into named steps; an error names the task and the step. */
export interface Steps {
  step<T>(name: string, act: () => Promise<T> | T): Promise<T>
}

/**
 * @param task start of the error messages: `Cannot recover "db-17.tar.gz"`
 * @param signal checked before each step; an aborted run ends with the reason of the abort
 */
export function namedSteps(task: string, signal: AbortSignal): Steps {
  return {
    async step(name, act) {
      signal.throwIfAborted()
      try {
        return await act()
      } catch (error) {
        if (error === signal.reason || (signal.aborted && !(error instanceof BackupdError)))
          throw signal.reason
        throw inStep(task, name, error)
      }
    },
  }
}

function inStep(task: string, name: string, error: unknown): BackupdError {
  const known = error instanceof BackupdError ? error : undefined
  const code = known?.code ?? findSystemErrorCode(error) ?? 'INTERNAL'
  const facts = { ...known?.facts, step: name }
  return new BackupdError(code, `${task}: ${messageOf(error)} (step "${name}")`, { facts, cause: error })
}
