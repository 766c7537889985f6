import { Arg, Ctx, Int, Query, Resolver } from 'type-graphql'
import { countAuditEntries, findAuditEntries } from '../domain/audit.ts'
import { orThrow } from './answer.ts'
import { AFTER, pageSize } from './arguments.ts'
import { toConnection } from './connection-mapper.ts'
import type { Context } from './context.ts'
import { optionalText, toPage } from './filters.ts'
import { AuditEntry, AuditFilter } from './types/audit.ts'
import type { Connection } from './types/connection.ts'
import { AuditEntryConnection } from './types/connections.ts'

@Resolver(() => AuditEntry)
export class AuditResolver {
  @Query(() => AuditEntryConnection, { description: 'Who asked for what, newest first. It takes an admin.' })
  async audit(
    @Ctx() { world }: Context,
    @Arg('first', () => Int, pageSize(50)) first?: number,
    @Arg('after', () => String, AFTER) after?: string,
    @Arg('filter', () => AuditFilter, { nullable: true }) filter?: AuditFilter,
  ): Promise<Connection<AuditEntry>> {
    const wanted = {
      verb: optionalText('verb', filter?.verb),
      from: filter?.from?.toISOString(),
      to: filter?.to?.toISOString(),
    }
    return toConnection(
      orThrow(await findAuditEntries(world, wanted, toPage(first ?? 50, after))),
      (entry) => entry,
      async () => orThrow(await countAuditEntries(world, wanted)),
    )
  }
}
