import { gzipSync } from 'node:zlib'

/** A header block written by hand, so that it can hold what a tar program never writes. */
export interface BlockFields {
  name: string | Buffer
  type?: string
  body?: Buffer | string
  /** Instead of the body's length. */
  size?: number | Buffer
  mode?: number
  uid?: number | Buffer
  gid?: number
  mtime?: number
  linkName?: string | Buffer
  /** `ustar` unless given; `gnu` and `v7` have other magic bytes. */
  magic?: 'ustar' | 'gnu' | 'v7'
  prefix?: string
  devices?: [number, number]
  /** Written over the finished header before its checksum is taken: [offset, bytes]. */
  patches?: [number, Buffer | string][]
  checksum?: number
}

export const END = Buffer.alloc(1024)
const MAGIC = { ustar: 'ustar\x0000', gnu: 'ustar  \0', v7: '\0\0\0\0\0\0\0\0' }

/** One entry: header block, body, padding. */
export function entry(fields: BlockFields): Buffer {
  const body = Buffer.from(fields.body ?? '')
  return Buffer.concat([header(fields, body.length), body, Buffer.alloc((512 - (body.length % 512)) % 512)])
}

export function header(fields: BlockFields, length = 0): Buffer {
  const block = Buffer.alloc(512)
  Buffer.from(fields.name).copy(block, 0, 0, 100)
  octal(block, 100, 8, fields.mode ?? 0o644)
  number(block, 108, 8, fields.uid ?? 0)
  octal(block, 116, 8, fields.gid ?? 0)
  number(block, 124, 12, fields.size ?? length)
  octal(block, 136, 12, fields.mtime ?? 1_600_000_000)
  block.write(fields.type ?? '0', 156, 'latin1')
  Buffer.from(fields.linkName ?? '').copy(block, 157, 0, 100)
  block.write(MAGIC[fields.magic ?? 'ustar'], 257, 'latin1')
  if (fields.prefix) block.write(fields.prefix, 345)
  for (const [at, device] of (fields.devices ?? []).entries()) octal(block, 329 + at * 8, 8, device)
  for (const [at, bytes] of fields.patches ?? []) Buffer.from(bytes).copy(block, at)
  block.fill(0x20, 148, 156)
  const sum = fields.checksum ?? block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** A pax header with these records; a value is bytes or text. */
export function pax(records: [key: string, value: string | Buffer][], type = 'x'): Buffer {
  const body = Buffer.concat(records.map(([key, value]) => paxRecord(key, Buffer.from(value))))
  return entry({ name: 'PaxHeaders/x', type, body })
}

export function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

/** A number in base 256. */
export function base256(value: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let rest = BigInt.asUintN(length * 8, value)
  for (let at = length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
  bytes[0] = (bytes[0] ?? 0) | 0x80
  return bytes
}

/** The parts and an end mark, gzipped. */
export function archiveOf(...parts: Buffer[]): Buffer {
  return gzipSync(Buffer.concat([...parts, END]))
}

export function directory(name: string, fields: Partial<BlockFields> = {}): Buffer {
  return entry({ name, type: '5', mode: 0o755, ...fields })
}

export function file(name: string, body: string | Buffer, fields: Partial<BlockFields> = {}): Buffer {
  return entry({ name, body, ...fields })
}

export function symlink(name: string, linkName: string): Buffer {
  return entry({ name, type: '2', linkName })
}

export function hardLink(name: string, linkName: string): Buffer {
  return entry({ name, type: '1', linkName })
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
}

function number(block: Buffer, at: number, length: number, value: number | Buffer): void {
  if (typeof value === 'number') octal(block, at, length, value)
  else value.copy(block, at)
}
