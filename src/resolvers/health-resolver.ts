import { Ctx, Query, Resolver } from 'type-graphql'
import { readWholeHealth } from '../domain/read-whole-health.ts'
import type { Context } from './context.ts'
import { Health } from './types/health.ts'

@Resolver()
export class HealthResolver {
  @Query(() => Health, {
    description:
      'Whether every volume has a good backup within its schedule, and what is wrong. Asks no daemon.',
  })
  health(@Ctx() { world }: Context): Promise<Health> {
    return readWholeHealth(world)
  }
}
