import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const OPENSSL = '/usr/bin/openssl'

export const hasOpenssl = existsSync(OPENSSL)

/** Makes a key and a certificate for 127.0.0.1 that is its own authority: `<name>.crt`, `<name>.key`. */
export async function makeCertificate(
  folder: string,
  name: string,
): Promise<{ certFile: string; keyFile: string }> {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  await promisify(execFile)(OPENSSL, [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...[
      '-subj',
      `/CN=${name}`,
      '-addext',
      'subjectAltName=IP:127.0.0.1',
      '-keyout',
      keyFile,
      '-out',
      certFile,
    ],
  ])
  return { certFile, keyFile }
}
