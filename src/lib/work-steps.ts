/**
 * Counts steps of work without visible progress, such as emptying a folder of a million names, so that the engine sees
 * that a run does not hang. One count for each process, because a child process has one run at a time.
 */
let steps = 0

/** Call it after each step that has returned from the kernel. */
export function countStep(): void {
  steps++
}

export function readStepCount(): number {
  return steps
}
