import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import { copyCatalog, rebuildCatalog } from '../domain/catalog.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { CatalogCopy, CatalogRebuild } from './types/catalog.ts'

const DIR = { description: 'A name below the copies directory, or an absolute path in it.' }
const DRY_RUN = { nullable: true, defaultValue: false, description: 'Only count the changes.' }
const FORGET = {
  nullable: true,
  description:
    'IPs of servers that are gone and whose folders were removed: the catalog forgets their backups.',
}

@Resolver()
export class CatalogResolver {
  @Mutation(() => CatalogCopy, { description: 'Copies the catalog into a new file below `dir`.' })
  async copyCatalog(
    @Ctx() { world }: Context,
    @Arg('dir', () => String, DIR) dir: string,
  ): Promise<CatalogCopy> {
    return orThrow(await copyCatalog(world, dir))
  }

  @Mutation(() => CatalogRebuild, {
    description: 'Makes the catalog equal to the stores, for every server that has a folder or backups.',
  })
  async rebuildCatalog(
    @Ctx() { world }: Context,
    @Arg('dryRun', () => Boolean, DRY_RUN) dryRun?: boolean,
    @Arg('forget', () => [ID], FORGET) forget?: string[],
  ): Promise<CatalogRebuild> {
    const request = { dryRun: dryRun === true, forget: forget ?? [] }
    return { dryRun: request.dryRun, namespaces: orThrow(await rebuildCatalog(world, request)) }
  }
}
