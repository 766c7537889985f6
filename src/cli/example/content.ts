import { createCipheriv } from 'node:crypto'

/** Incompressible bytes, always the same for the same name. */
export function makeRandomBytes(name: string, length: number): Buffer {
  const key = Buffer.alloc(32, name)
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length))
}

const CUSTOMERS = ['Aalto', 'Borges', 'Curie', 'Dickens', 'Euler', 'Franklin', 'Gauss', 'Hopper']
const ITEMS = ['lamp', 'chair', 'kettle', 'bicycle', 'notebook', 'raincoat', 'violin']

/** Table rows like a database export: text that compresses about five to one. */
export function tableRows(name: string, length: number): Buffer {
  const dice = makeRandomBytes(name, 64 * 1024)
  const rows: string[] = []
  for (let size = 0, row = 0; size < length; row++) {
    const roll = dice.readUInt32LE((row * 4) % dice.length) + row
    const customer = CUSTOMERS[roll % CUSTOMERS.length]
    const item = ITEMS[(roll >>> 3) % ITEMS.length]
    const line = `${row};${customer};${item};${(roll % 90_000) / 100};2026-11-${String((roll % 28) + 1).padStart(2, '0')}\n`
    rows.push(line)
    size += line.length
  }
  return Buffer.from(rows.join('')).subarray(0, length)
}
