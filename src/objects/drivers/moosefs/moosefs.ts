import { type FileHandle, lstat, unlink } from 'node:fs/promises'
import type { Clock } from '../../../lib/clock.ts'
import type { BareDriver, Space, UnnamedWriter } from '../../driver.ts'
import { parseUnfinished } from '../../unfinished.ts'
import { FileDriver, ifThere } from '../file-driver.ts'
import { atNewObject, atObject } from '../file-place.ts'
import { replaceFile } from '../replace-file.ts'
import { checkControlFiles } from './mount.ts'
import { type MooseFsPlace, mooseFsPlace } from './place.ts'
import { provenWriter, readBack } from './read-back.ts'
import { wholeSample } from './samples.ts'
import { readSpace } from './space.ts'
import { Trash } from './trash.ts'

/**
 * A directory of a mounted MooseFS as a store. Differences from a local directory: each call checks that it is on a
 * MooseFS; samples of written data are read back from the chunk servers; folders need no sync, because the master has a
 * name once the call returns; temporary files skip the trash. It has no locks: a lock on MooseFS would outlive its mount
 * by a day.
 */
export function mooseFsDriver(dir: string, clock: Clock): BareDriver {
  return new MooseFsDriver(mooseFsPlace(dir, clock), clock)
}

class MooseFsDriver extends FileDriver {
  readonly #mooseFs: MooseFsPlace
  readonly #trash: Trash

  constructor(place: MooseFsPlace, clock: Clock) {
    super('moosefs', { durability: 'acknowledged', showsNamesAtOnce: false }, place)
    this.#mooseFs = place
    this.#trash = new Trash(place, clock)
  }

  protected override async createFile(temporary: string, name = temporary): Promise<UnnamedWriter> {
    const writer = await super.createFile(temporary, name)
    return provenWriter(writer, (samples) =>
      this.attemptOn(name)('read back', () =>
        atObject(this.place, temporary, (path) => readBack(path, name, samples)),
      ),
    )
  }

  /** The replaced content skips the trash too, because such files are replaced with each backup. */
  override replace(name: string, content: Buffer): Promise<void> {
    const prepare = async (file: FileHandle, temporary: string) => {
      await readBack(temporary, name, wholeSample(content))
      await this.#trash.skip((await file.stat()).ino)
    }
    return this.attemptOn(name)('replace', () =>
      atNewObject(this.place, name, (path) => replaceFile(path, content, prepare)),
    )
  }

  override async remove(name: string): Promise<void> {
    await this.attemptOn(name)('remove', () =>
      ifThere(() =>
        atObject(this.place, name, async (path) => {
          // Nobody needs to recover it from the trash.
          if (parseUnfinished(name)) await this.#skipTrash(path)
          await unlink(path)
        }),
      ),
    )
  }

  override syncFolder(folder: string): Promise<void> {
    return this.attemptOn(folder)('sync', () => this.place.within(async () => {}))
  }

  override space(): Promise<Space> {
    return this.attemptOn('')('read the free space of', () => readSpace(this.#mooseFs))
  }

  override async check(): Promise<void> {
    await super.check()
    await this.attemptOn('')('use', async () =>
      checkControlFiles(await this.#mooseFs.mount(), this.place.dir),
    )
  }

  /** Not for a file with a second name, which is an object that was just published. */
  async #skipTrash(path: string): Promise<void> {
    const { ino, nlink, size } = await lstat(path)
    if (nlink === 1 && size > 0) await this.#trash.skip(ino)
  }
}
