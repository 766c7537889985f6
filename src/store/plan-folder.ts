import type { RecoverPlan } from '../wire/snapshot.ts'
import { planMirror } from './kinds/mirror/plan-mirror.ts'
import type { PlanQuestion } from './stored-backup.ts'

/** Plans what putting the content of a folder into a volume would do, as for a mirror. */
export function planFolder(
  folder: string,
  question: PlanQuestion,
): Promise<{ plan: RecoverPlan; refused: number }> {
  return planMirror(folder, question)
}
