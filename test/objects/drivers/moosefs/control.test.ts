import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../src/lib/clock.ts'
import { openControl } from '../../../../src/objects/drivers/moosefs/control.ts'
import { checkControlFiles, type MooseFsMount } from '../../../../src/objects/drivers/moosefs/mount.ts'
import { type MooseFsPlace, mooseFsPlace } from '../../../../src/objects/drivers/moosefs/place.ts'
import { Trash } from '../../../../src/objects/drivers/moosefs/trash.ts'
import { handClock } from '../../../support/hand-clock.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const REGISTERED = 401
const STATFS = { asks: 402, answers: 403 }

function packet(command: number, content: Buffer): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32BE(command)
  header.writeUInt32BE(content.length, 4)
  return Buffer.concat([header, content])
}

function withId(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0, 1]), content])
}

/** What statfs answers: total, available, free, trash, deleted but open, inodes. */
function roomOf(trashBytes: number, withFree = true): Buffer {
  const words = withFree ? [900, 800, 700, trashBytes, 5] : [900, 800, trashBytes, 5]
  const bytes = Buffer.alloc(words.length * 8 + 4)
  for (const [at, word] of words.entries()) bytes.writeBigUInt64BE(BigInt(word), at * 8)
  return bytes
}

/** A mount whose way for tools answers the greeting with `first`, and a question with `then`, in these pieces. */
async function mountAnswering(then: Buffer[] | 'close', first = packet(REGISTERED, Buffer.of(0))) {
  const top = tempDir()
  const questions: number[] = []
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0)
    const answer = async (command: number) => {
      questions.push(command)
      if (command === 400) return void socket.write(first)
      if (then === 'close') return void socket.end()
      for (const piece of then) {
        socket.write(piece)
        // So that each comes alone.
        if (then.length > 1) await setTimeout(10)
      }
    }
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 8 && bytes.length >= 8 + bytes.readUInt32BE(4)) {
        void answer(bytes.readUInt32BE(0))
        bytes = bytes.subarray(8 + bytes.readUInt32BE(4))
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const info = Buffer.alloc(14)
  info.set([127, 0, 0, 1])
  info.writeUInt16BE((server.address() as AddressInfo).port, 4)
  writeFileSync(join(top, '.masterinfo'), info)
  return { top, questions, control: await openControl(top) }
}

describe('the control files of MooseFS', () => {
  test.each([true, false])('report the size of the trash (with free room reported: %s)', async (withFree) => {
    const { control, questions } = await mountAnswering([
      packet(STATFS.answers, withId(roomOf(123_456, withFree))),
    ])
    expect(await control.trashBytes()).toBe(123_456)
    expect(questions).toEqual([400, STATFS.asks])
  })

  test('are answered in any pieces, with empty messages before', async () => {
    const bytes = Buffer.concat([packet(0, Buffer.alloc(0)), packet(STATFS.answers, withId(roomOf(77)))])
    const cuts = [0, 3, 8, 11, 16, 18, 40, bytes.length]
    const pieces = cuts.slice(1).map((end, at) => bytes.subarray(cuts[at], end))
    expect(await (await mountAnswering(pieces)).control.trashBytes()).toBe(77)
    expect(await (await mountAnswering([bytes])).control.trashBytes()).toBe(77)
  })

  test.each<[string, Buffer[] | 'close', RegExp]>([
    ['refuses', [packet(STATFS.answers, withId(Buffer.of(9)))], /refuses it with status 9/],
    ['answers another question', [packet(477, withId(roomOf(1)))], /answered with message 477/],
    ['hangs up', 'close', /closed the connection/],
  ])('report if it %s', async (_, then, words) => {
    const { control } = await mountAnswering(then)
    await expect(control.trashBytes()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(words),
    })
  })

  test('report if nobody listens, or the answer is invalid', async () => {
    const top = tempDir()
    writeFileSync(join(top, '.masterinfo'), Buffer.from([127, 0, 0, 1, 0, 1, 0, 0, 0, 0]))
    await expect((await openControl(top)).trashBytes()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('did not answer on 127.0.0.1:1'),
    })
    writeFileSync(join(top, '.masterinfo'), Buffer.alloc(9))
    await expect(openControl(top)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })
})

test('are not accepted by their names alone', async () => {
  const top = tempDir()
  for (const name of ['.masterinfo', '.stats']) writeFileSync(join(top, name), '')
  await expect(checkControlFiles({ top } as MooseFsMount, '/store')).rejects.toMatchObject({
    code: 'STORE_NOT_MOUNTED',
  })
  await checkControlFiles({ top: undefined } as MooseFsMount, '/store')
})

test('a link in place of a folder of the store is not followed, and a file is refused', async () => {
  const dir = tempDir()
  mkdirSync(join(dir, 'a/b'), { recursive: true })
  symlinkSync('b', join(dir, 'a/link'))
  writeFileSync(join(dir, 'a/file'), '')
  const { folder } = mooseFsPlace(dir, systemClock)
  expect(await folder(dir, 'a/b')).toBe(join(dir, 'a/b'))
  await expect(folder(dir, 'a/link')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  await expect(folder(dir, 'a/file')).rejects.toMatchObject({ code: 'ENOTDIR' })
  await expect(folder(dir, 'a/none')).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a MooseFS that does not answer is asked to skip the trash at most once a minute', async () => {
  const clock = handClock()
  let asked = 0
  const mount = async () => {
    asked++
    throw new Error('no answer')
  }
  const trash = new Trash({ mount } as unknown as MooseFsPlace, clock)
  for (const [later, count] of [
    [0, 1],
    [1, 1],
    [59_998, 1],
    [1, 2],
  ] as const) {
    clock.move(later)
    await trash.skip(7)
    expect(asked).toBe(count)
  }
})
