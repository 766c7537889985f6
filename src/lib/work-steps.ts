/**
 * Steps of work that tells no progress of its own, such as emptying a folder of a million names: the engine learns from
 * them that a run works and does not hang. One count for each process, since a child process has one run at a time.
 */
let steps = 0

/** Call it for each step that has returned from the kernel. */
export function countStep(): void {
  steps++
}

export function readStepCount(): number {
  return steps
}
