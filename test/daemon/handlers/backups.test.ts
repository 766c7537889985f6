import { expect, test } from 'vitest'
import { handleBackupList, handleFolderList } from '../../../src/daemon/handlers/backups.ts'
import type { DaemonParts } from '../../../src/daemon/http/route.ts'
import { BackupdError, type Json } from '../../../src/lib/errors.ts'
import { RequestFields } from '../../../src/wire/request-fields.ts'
import { sampleBackup } from '../../support/catalog-samples.ts'

type Question = Record<string, unknown>

/** A world whose engine answers as `answer` says, and what it was asked. */
function worldWith(answer: (question: Question) => Json) {
  const asked: Question[] = []
  const engine = {
    async ask(_action: string, question: Question) {
      asked.push(question)
      return answer(question)
    },
  }
  return { asked, world: { ip: '10.0.0.1', engine } as unknown as DaemonParts }
}

function callOf(params: Record<string, string>, late = new AbortController().signal) {
  return { params, fields: new RequestFields(new Map()), late }
}

const FILE = { type: 'file', size: 1, mode: 0o644, uid: 0, gid: 0, linkTarget: null, sha256: null }
const fileAt = (path: string) => ({ ...FILE, path, modified: '2026-11-23T08:44:53.000Z' })

test('the legacy list of a folder is one request, however many names the folder has', async () => {
  const files = Array.from({ length: 5000 }, (_, n) => fileAt(`d/${String(n).padStart(4, '0')}`))
  const { asked, world } = worldWith(({ limit }) => {
    const page = files.slice(0, Number(limit))
    return { files: page, next: page.length < files.length ? 'd/more' : null }
  })
  const { body } = await handleFolderList(callOf({ '*': 'NAME/d' }), world)
  expect((body as { name: string }[]).map(({ name }) => `d/${name}`)).toEqual(files.map(({ path }) => path))
  expect(asked).toHaveLength(1)
})

test('a folder too large for one list is refused, with the route to use instead', async () => {
  const { asked, world } = worldWith(() => ({ files: [fileAt('d/a')], next: 'd/a' }))
  await expect(handleFolderList(callOf({ '*': 'NAME/d' }), world)).rejects.toMatchObject({
    code: 'TOO_COSTLY',
    message: expect.stringContaining('/api/v1/backup/files/NAME'),
  })
  expect(asked).toHaveLength(1)
})

test('a missing backup is told in the words of the legacy daemon, and any other error as it is', async () => {
  const failing = (error: Error) =>
    worldWith(() => {
      throw error
    }).world
  const missing = new BackupdError('NOT_FOUND', 'there is no NAME')
  await expect(handleFolderList(callOf({ '*': 'NAME/d' }), failing(missing))).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('Error happend when doing backup action: open NAME'),
  })
  const gone = new BackupdError('STORE_UNAVAILABLE', 'the store does not answer')
  await expect(handleFolderList(callOf({ '*': 'NAME/d' }), failing(gone))).rejects.toBe(gone)
})

test('the legacy list of backups stops when its caller was told that it is late', async () => {
  const late = new AbortController()
  const { asked, world } = worldWith(() => {
    if (asked.length === 3) late.abort(new Error('late'))
    return { backups: [sampleBackup()], next: `page ${asked.length}` }
  })
  await expect(handleBackupList(callOf({}, late.signal), world)).rejects.toThrow('late')
  expect(asked).toHaveLength(3)
})
