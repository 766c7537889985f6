import type { Driver } from '../../../objects/driver.ts'
import { mapInOrder, tryReadSmall } from '../../../objects/small-objects.ts'
import {
  type HiddenBackup,
  type HiddenMark,
  type HiddenPage,
  hiddenMarkSchema,
} from '../../../wire/hidden.ts'
import { parseJson } from '../../../wire/json.ts'
import { parseNamespace } from '../../../wire/namespace.ts'
import { listBackupNames } from '../../backup-names.ts'
import { makePieceKey } from '../../layout.ts'
import { describeBackup } from '../../list-backups.ts'
import { readMeta } from '../../meta-file.ts'
import type { StoreWorld } from '../../world.ts'

// A full backup is hidden as long as `<name>.hidden` lies beside it. All its other pieces stay as they are, its entry in
// `.meta` too, so a version that does not know the mark has a backup there, and deletes nothing of it.

const PAGE_SIZE = 1000

/** Lists one page of the hidden archives of any namespace, by name. */
export async function listHiddenArchives(
  world: StoreWorld,
  namespace: string,
  page: { after: string; limit: number },
): Promise<HiddenPage> {
  const { meta } = await readMeta(world, parseNamespace(namespace))
  const query = { ...page, hidden: 'alone' as const }
  const { names, last } = await listBackupNames(world.driver, { namespace, meta }, query)
  const hidden: HiddenBackup[] = []
  const describe = async (name: string) => {
    const [found, { mark }] = await Promise.all([
      describeBackup(world, { namespace, name, meta }),
      readHiddenMark(world.driver, namespace, name),
    ])
    return found && { backup: found.info, mark }
  }
  for await (const one of mapInOrder(names, describe)) if (one) hidden.push(one)
  return { hidden, next: last }
}

/** All hidden archives of the own namespace. */
export async function* findHiddenArchives(world: StoreWorld): AsyncGenerator<HiddenBackup> {
  for (let after: string | null = ''; after !== null; ) {
    const page: HiddenPage = await listHiddenArchives(world, world.identity.ip, { after, limit: PAGE_SIZE })
    yield* page.hidden
    after = page.next
  }
}

interface ReadMark {
  mark: HiddenMark | null
  /** Whether the archive is hidden, even if the mark cannot be read. */
  isHidden: boolean
}

export async function readHiddenMark(driver: Driver, ip: string, name: string): Promise<ReadMark> {
  const { content, problem } = await tryReadSmall(driver, makePieceKey(ip, name, 'hidden'))
  if (!content) return { mark: null, isHidden: problem !== null }
  try {
    const mark = parseJson('the mark of a deleted backup', content.toString(), hiddenMarkSchema)
    return { mark, isHidden: true }
  } catch {
    return { mark: null, isHidden: true }
  }
}
