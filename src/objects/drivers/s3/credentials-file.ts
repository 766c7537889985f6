import { readFile } from 'node:fs/promises'
import { BackupdError, messageOf } from '../../../lib/errors.ts'

export interface S3Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

const PROFILE = /^\[\s*(?<name>[^\]]*?)\s*\]/
/** Others cannot be sent in the header of a request. */
const KEY = /^[\x21-\x7e]+$/
const SETTING = /^(?<key>[a-z_]+)\s*=\s*(?<value>\S.*?)\s*$/

/** Reads the profile `default` of a file like ~/.aws/credentials. Throws STORE_UNAVAILABLE. */
export async function readCredentialsFile(file: string): Promise<S3Credentials> {
  const settings = parseDefaultProfile(await readText(file))
  const [accessKeyId, secretAccessKey] = [settings.aws_access_key_id, settings.aws_secret_access_key]
  if (!accessKeyId || !secretAccessKey) {
    const expected = 'expected the lines aws_access_key_id = … and aws_secret_access_key = … under [default]'
    throw unusable(`Cannot use the credentials in ${file}: it has no key, ${expected}`, file)
  }
  const sessionToken = settings.aws_session_token
  if (![accessKeyId, secretAccessKey, sessionToken ?? 'none'].every((each) => KEY.test(each))) {
    const what = 'a value has a space, a letter outside of ASCII or a control character: copy it again'
    throw unusable(`Cannot use the credentials in ${file}: ${what}`, file)
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw unusable(`Cannot read the file of --s3-credentials-file: ${messageOf(cause)}`, file, cause)
  }
}

/** Lines before the first profile count too. */
function parseDefaultProfile(text: string): Record<string, string | undefined> {
  const settings: Record<string, string> = {}
  let profile = 'default'
  for (const line of text.split(/\r?\n/)) {
    profile = PROFILE.exec(line)?.groups?.name ?? profile
    const { key, value } = SETTING.exec(line.trim())?.groups ?? {}
    if (profile === 'default' && key !== undefined && value !== undefined) settings[key] = value
  }
  return settings
}

function unusable(message: string, file: string, cause?: unknown): BackupdError {
  return new BackupdError('STORE_UNAVAILABLE', message, { facts: { file }, cause })
}
