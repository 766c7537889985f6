import { answering } from '../answering.ts'
import { readSteps } from '../step-files.ts'

/** One page of the steps of a plan that a recover made. */
export const planStepsPlugin = answering('planSteps', (question, { settings }) =>
  readSteps(settings.dataDir, question),
)
