import { vi } from 'vitest'
import { runCommand } from '../../src/cli/run-command.ts'

/** Runs a command in this process: what it prints, and how it ends. */
export async function runQuietly(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' }
  const keep = (key: 'out' | 'err') => (text: string | Uint8Array) => {
    said[key] += String(text)
    return true
  }
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep('out'))
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep('err'))
  try {
    const code = await runCommand(argv)
    return { code, ...said }
  } finally {
    out.mockRestore()
    err.mockRestore()
  }
}
