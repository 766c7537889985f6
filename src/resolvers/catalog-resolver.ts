import { Arg, Ctx, ID, Mutation, Resolver } from 'type-graphql'
import { copyCatalog, rebuildCatalog } from '../domain/catalog.ts'
import { orThrow } from './answer.ts'
import type { Context } from './context.ts'
import { CatalogCopy, CatalogRebuild } from './types/catalog.ts'

@Resolver()
export class CatalogResolver {
  @Mutation(() => CatalogCopy, { description: 'A consistent copy of the catalog in a new file under `dir`.' })
  async copyCatalog(
    @Ctx() { world, who }: Context,
    @Arg('dir', () => String) dir: string,
  ): Promise<CatalogCopy> {
    return orThrow(await copyCatalog(world, who, dir))
  }

  @Mutation(() => CatalogRebuild, {
    description:
      'Makes the catalog what the store says; `dryRun` only counts. `forget`: servers that are gone with their folders.',
  })
  async rebuildCatalog(
    @Ctx() { world, who }: Context,
    @Arg('dryRun', () => Boolean, { nullable: true, defaultValue: false }) dryRun?: boolean,
    @Arg('forget', () => [ID], { nullable: true }) forget?: string[],
  ): Promise<CatalogRebuild> {
    const wish = { dryRun: dryRun === true, forget: forget ?? [] }
    return { dryRun: wish.dryRun, namespaces: orThrow(await rebuildCatalog(world, who, wish)) }
  }
}
