import fs, { readlinkSync } from 'node:fs'
import promises, { type FileHandle, open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { onTestFinished, vi } from 'vitest'
import { loadKernel } from '../../src/lib/kernel.ts'

/** The recorded steps below `base`, in order: `sync data/recovers`, `move volumes/db/a volumes/old/a`. */
export interface RecordedDisk {
  steps: string[]
  /** Adds a step of the test's own. */
  note(step: string): void
}

/**
 * Records writes, renames, removals and syncs that do not go through a driver of the store, until the test ends. Each
 * call still does its work. Ids of recovers and processes, and temporary names, are removed from the steps.
 */
export async function recordDisk(base: string): Promise<RecordedDisk> {
  const steps: string[] = []
  const note = (step: string) => void steps.push(step)
  const record: Recorder = (verb, ...paths) => {
    const known = paths.map((path) => pathText(path)).filter((path) => path.startsWith(`${base}/`))
    if (known.length > 0) note([verb, ...known.map((path) => path.slice(base.length + 1))].join(' '))
  }
  await recordHandles(base, record)
  recordFiles(record)
  recordKernel(record)
  onTestFinished(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
  return { steps, note }
}

type Recorder = (verb: string, ...paths: (string | Buffer)[]) => void

/** Open folders are named by the path that their descriptor refers to. */
function pathText(path: string | Buffer): string {
  return path
    .toString('latin1')
    .replace(/^\/proc\/self\/fd\/(\d+)/, (link) => readlinkSync(link))
    .replace(/\/\.$/, '')
    .replace(/\.tmp-\d+$/, '.tmp')
    .replaceAll(/\d{10}a{32}/g, 'RID')
}

const ofDescriptor = (fd: number) => `/proc/self/fd/${fd}`

async function recordHandles(base: string, record: Recorder): Promise<void> {
  const handle = await open(base)
  const methods = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  for (const name of ['sync', 'datasync', 'truncate', 'writeFile'] as const) {
    const original = methods[name] as (this: FileHandle, ...given: unknown[]) => Promise<void>
    vi.spyOn(methods, name).mockImplementation(async function (this: FileHandle, ...given: unknown[]) {
      const path = pathText(ofDescriptor(this.fd))
      await original.apply(this, given)
      record(name, path)
    })
  }
}

function recordFiles(record: Recorder): void {
  const { fsyncSync, renameSync, rmdirSync, unlinkSync } = fs
  const { link, rename, rm } = promises
  vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    fsyncSync(fd)
    record('sync', ofDescriptor(fd))
  })
  vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    renameSync(from, to)
    record('move', from as Buffer, to as Buffer)
  })
  vi.spyOn(fs, 'unlinkSync').mockImplementation((path) => {
    unlinkSync(path)
    record('remove', path as Buffer)
  })
  vi.spyOn(fs, 'rmdirSync').mockImplementation((path) => {
    rmdirSync(path)
    record('remove', path as Buffer)
  })
  vi.spyOn(promises, 'rename').mockImplementation(async (from, to) => {
    await rename(from, to)
    record('move', from as string, to as string)
  })
  vi.spyOn(promises, 'link').mockImplementation(async (from, to) => {
    await link(from, to)
    record('link', from as string, to as string)
  })
  vi.spyOn(promises, 'rm').mockImplementation(async (path, options) => {
    await rm(path, options)
    record('remove', path as string)
  })
  syncBuiltinESMExports()
}

function recordKernel(record: Recorder): void {
  const kernel = loadKernel()
  if (!kernel) return
  const { renameat2, syncfs } = kernel
  vi.spyOn(kernel, 'syncfs').mockImplementation((fd) => {
    syncfs(fd)
    record('syncfs', ofDescriptor(fd))
  })
  vi.spyOn(kernel, 'renameat2').mockImplementation((from, to, how) => {
    renameat2(from, to, how)
    const [source, target] = [from, to].map(({ dir, name }) =>
      Buffer.concat([Buffer.from(`${ofDescriptor(dir)}/`), name]),
    )
    if (source && target) record(how === 'exchange' ? 'exchange' : 'move', source, target)
  })
}
