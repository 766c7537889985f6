import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { ControllerError, type Execute } from '../client/execute.ts'
import { executeOverHttp } from '../client/execute-over-http.ts'
import { isErrorCode } from '../lib/error-codes.ts'
import { BackupdError, messageOf } from '../lib/errors.ts'
import { environmentToken } from './environment.ts'
import { guardToken } from './guard-token.ts'

/** The flags of commands that ask a running controller. */
export interface ClientFlags {
  url: string
  tokenFile?: string
  insecureHttp: boolean
  json: boolean
}

/** The token itself is not a flag, because every user of the machine can read command lines. */
export function addClientFlags(command: Command): Command {
  return command
    .option('--url <url>', 'the controller', 'http://127.0.0.1:9002')
    .addOption(new Option('--token-file <file>', 'the file with your token; or set BACKUPD_TOKEN'))
    .option('--insecure-http', 'send the token over plain HTTP to another machine, too', false)
    .option('--json', "print the controller's answer as JSON", false)
}

/** Throws a BackupdError with the controller's code. */
export async function connectToController({ url, tokenFile, insecureHttp }: ClientFlags): Promise<Execute> {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new BackupdError('BAD_INPUT', `--url is ${JSON.stringify(url)}: write it as http://10.0.0.1:9002`)
  const token = tokenFile === undefined ? environmentToken() : await readToken(tokenFile)
  if (token !== undefined && !insecureHttp) await guardToken(url)
  const execute = executeOverHttp(url, token)
  return (document, variables) => execute(document, variables).catch((error) => throwOwn(error))
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `--token-file cannot be read: ${messageOf(cause)}`, { cause })
  }
}

function throwOwn(error: unknown): never {
  if (!(error instanceof ControllerError)) throw error
  const code = isErrorCode(error.code) ? error.code : 'INTERNAL'
  const hint = code === 'CONTROLLER_UNREACHABLE' ? ', or name another address with --url' : ''
  throw new BackupdError(code, `${error.message}${hint}`, { cause: error })
}
