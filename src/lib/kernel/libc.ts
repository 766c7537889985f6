// kernel/ has the bindings of libc calls that Node's fs lacks, one group of calls in each file. lib/kernel.ts joins
// them into the Kernel that all callers use; only files here may import koffi. Calls are not retried, and their
// errors look like Node's.

import { createRequire } from 'node:module'
import { getSystemErrorMap } from 'node:util'
import { nameErrno } from '../errors.ts'

/** For `dir`: the working directory. Use it with absolute paths only. */
export const AT_FDCWD = -100

/** A failed call. `message` reads like Node's: `ENOENT: no such file or directory, openat`. */
export class KernelError extends Error {
  readonly code: string
  readonly errno: number
  readonly syscall: string

  constructor(errno: number, syscall: string) {
    // Node does not name some, such as EDQUOT, ESTALE and ENOLCK.
    const [code, text] = getSystemErrorMap().get(-errno) ?? [nameErrno(errno) ?? `E${errno}`, 'unknown error']
    super(`${code}: ${text}, ${syscall}`)
    this.name = 'KernelError'
    this.code = code
    this.errno = errno
    this.syscall = syscall
  }
}

type Argument = number | bigint | Buffer

/** A libc function. */
export type SystemCall = (...args: Argument[]) => number

export interface Libc {
  /** `int mkdirat(int, const void *, uint32_t)` → a function that throws a KernelError if libc returns -1. */
  bind(prototype: string): SystemCall
  /** The same, but returns the negative errno of a failure: for calls that fail often. */
  attempt(prototype: string): SystemCall
  /** Like `bind`, but runs in a thread of Node's pool. */
  bindAsync(prototype: string): (...args: Argument[]) => Promise<number>
  /** The memory address of the bytes. Keep them referenced while libc uses them. */
  addressOf(bytes: Buffer): bigint
}

/** libc.so.6 through koffi, on Linux with glibc; undefined elsewhere. */
export function loadLibc(): Libc | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    // Not an import, which would end the program if koffi has no binary for this platform.
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const library = koffi.load('libc.so.6')
    const attempt = (prototype: string) => negativeErrno(library.func(prototype), koffi.errno)
    return {
      attempt,
      bind: (prototype) => checked(attempt(prototype), nameIn(prototype)),
      bindAsync: (prototype) => inThread(library.func(prototype), koffi.errno, nameIn(prototype)),
      addressOf: (bytes) => koffi.address(bytes),
    }
  } catch {
    return undefined
  }
}

function negativeErrno(raw: (...args: Argument[]) => unknown, errno: () => number): SystemCall {
  return (...args) => {
    const result = Number(raw(...args))
    return result === -1 ? -errno() : result
  }
}

function checked(attempt: SystemCall, name: string): SystemCall {
  return (...args) => {
    const result = attempt(...args)
    if (result < 0) throw new KernelError(-result, name)
    return result
  }
}

interface AsyncCall {
  async: (...args: unknown[]) => void
}

function inThread(raw: AsyncCall, errno: () => number, name: string) {
  return (...args: Argument[]) =>
    new Promise<number>((resolve, reject) => {
      raw.async(...args, (error: Error | null, result: unknown) => {
        if (error) reject(error)
        else if (Number(result) === -1) reject(new KernelError(errno(), name))
        else resolve(Number(result))
      })
    })
}

function nameIn(prototype: string): string {
  return /(\w+)\s*\(/.exec(prototype)?.[1] ?? prototype
}

const EINVAL = 22

const scratch = Buffer.alloc(4097)

/** Like cString(), but valid only until the next call: for calls made for each file. */
export function passingCString(bytes: Buffer): Buffer {
  if (bytes.length >= scratch.length || bytes.includes(0)) return cString(bytes)
  scratch.set(bytes)
  scratch[bytes.length] = 0
  return scratch
}

/** The bytes with a NUL at the end, as C needs them. Throws EINVAL if they contain a NUL. */
export function cString(bytes: Buffer): Buffer {
  if (bytes.includes(0)) throw new KernelError(EINVAL, 'path')
  const text = Buffer.allocUnsafe(bytes.length + 1)
  text.set(bytes)
  text[bytes.length] = 0
  return text
}
