import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql'
import { readPlanSteps } from '../domain/plan-steps.ts'
import { capCount } from '../wire/listing.ts'
import { AFTER, pageSize } from './arguments.ts'
import { toConnection } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { RecoverAction } from './enums/recover-enums.ts'
import { toPage } from './filters.ts'
import { toKeptStep } from './recover-plan-mapper.ts'
import type { Connection } from './types/connection.ts'
import { RecoverStepConnection } from './types/connections.ts'
import { RecoverPlan, type RecoverStep } from './types/recover-plan.ts'

@Resolver(() => RecoverPlan)
export class RecoverPlanResolver {
  @FieldResolver(() => RecoverStepConnection, {
    nullable: true,
    description:
      'All steps: what would be deleted, then what would be overwritten, then of what only metadata would change, then what would be created. Its daemon is asked for them, and keeps those of its last 100 plans, up to 64 MiB of each kind.',
  })
  async stepConnection(
    @Ctx() { world }: Context,
    @Root() plan: RecoverPlan,
    @Arg('action', () => RecoverAction, { nullable: true, description: 'Only these steps.' })
    action?: RecoverAction | null,
    @Arg('first', () => Int, pageSize(100)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
  ): Promise<Connection<RecoverStep>> {
    const kind = action ?? null
    const slice = await readPlanSteps(world, plan.origin, { kind, ...toPage(first ?? 100, after) })
    return toConnection(slice, toKeptStep, () => capCount(countSteps(plan, kind)))
  }
}

function countSteps(plan: RecoverPlan, kind: RecoverAction | null): number {
  const counts = {
    create: plan.create,
    overwrite: plan.overwrite,
    metadata: plan.metadata ?? 0,
    delete: plan.delete,
  }
  if (kind !== null) return counts[kind]
  return counts.create + counts.overwrite + counts.metadata + counts.delete
}
