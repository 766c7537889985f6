import { Ctx, FieldResolver, Resolver, Root } from 'type-graphql'
import { addressFile } from '../domain/downloads.ts'
import type { Context } from './context.ts'
import { File } from './types/backup.ts'

@Resolver(() => File)
export class FileResolver {
  @FieldResolver(() => String, {
    nullable: true,
    description:
      'Where its content can be downloaded for ten minutes without a token, also in parts (Range): path and query below the URL of this controller. Whoever has the address can use it. Null for what has no content, for callers who may not download, for paths that are too long, and if the daemon is too old.',
  })
  downloadUrl(@Ctx() { world }: Context, @Root() { type, path, origin }: File): string | null {
    const hasContent = type === 'file' || type === 'hardlink'
    return hasContent && origin ? addressFile(world, { ...origin, path }) : null
  }
}
