import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { hashToken, isToken } from '../domain/access/token-text.ts'
import type { SessionRequest } from '../domain/sessions.ts'
import { readFileIfThere, replaceAtomically } from '../lib/atomic-file.ts'
import { BackupdError, errnoOf } from '../lib/errors.ts'
import { MINUTE_MS } from '../lib/time-units.ts'

/** How long a link works, ms. */
export const LOGIN_LINK_LIFE_MS = 10 * MINUTE_MS
/** In the data directory: the hash of the one code that counts. */
export const LOGIN_CODE_FILE = 'login-code.json'
const SECRET_BYTES = 32
const NAME_BYTES = 16
const codeSchema = z.object({ hash: z.string().regex(/^[0-9a-f]{64}$/), expiresAt: z.number() })

/** What a session that began with a link may do: whoever can write into the data directory can do everything anyway. */
export const LINK_SESSION: SessionRequest = {
  ...{ by: 'link', holder: 'link', name: 'login link', tokenId: null },
  grants: [{ role: 'admin', apps: null }],
}

/**
 * Makes a code that begins one session of an admin, at a controller on this data directory that runs or will run. It ends
 * the code of before. Throws NOT_FOUND if there is no catalog.
 * @param now unix ms
 */
export async function createLoginCode(dataDir: string, now: number): Promise<string> {
  if (!existsSync(join(dataDir, 'catalog.db')))
    throw new BackupdError(
      'NOT_FOUND',
      `There is no catalog in ${dataDir}. Name the data directory of the controller; of a standalone it is <data>/controller`,
    )
  const code = randomBytes(SECRET_BYTES).toString('base64url')
  await writeCodeFile(dataDir, JSON.stringify({ hash: hashToken(code), expiresAt: now + LOGIN_LINK_LIFE_MS }))
  return code
}

/**
 * Root may call this in a directory of the user of the controller, who may have put links there: so the name is one that
 * nobody can guess, no link is followed, and only the open file changes its owner.
 */
async function writeCodeFile(dataDir: string, text: string): Promise<void> {
  const file = join(dataDir, LOGIN_CODE_FILE)
  const temporary = `${file}.tmp-${randomBytes(NAME_BYTES).toString('hex')}`
  await replaceAtomically(file, temporary, async () => {
    await using handle = await open(temporary, 'wx', 0o600)
    await handle.writeFile(text)
    await handle.chmod(0o600)
    if (process.getuid?.() === 0) {
      const { uid, gid } = await stat(join(dataDir, 'catalog.db'))
      await handle.chown(uid, gid)
    }
    await handle.sync()
  })
}

/** The address of the page that spends the code. Browsers send the part behind `#` to nobody. */
export function printLoginLink(url: string, code: string): string {
  return `${new URL('/graphql', url).href}#code=${code}`
}

/** Whether the code counts; it does so once. @param now unix ms */
export async function spendLoginCode(dataDir: string, code: string, now: number): Promise<boolean> {
  const file = join(dataDir, LOGIN_CODE_FILE)
  const kept = parseCode(await readFileIfThere(file))
  if (!isToken(code, kept?.hash) || !kept) return false
  const left = kept.expiresAt - now
  if (left <= 0 || left > LOGIN_LINK_LIFE_MS) return false
  return removeOnce(file)
}

function parseCode(text: string | undefined) {
  try {
    return codeSchema.safeParse(JSON.parse(text ?? '')).data
  } catch {
    return undefined
  }
}

/** False for all but the first of several that ask at once. */
async function removeOnce(file: string): Promise<boolean> {
  try {
    await unlink(file)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false
    throw error
  }
}
