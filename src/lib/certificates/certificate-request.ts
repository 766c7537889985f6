import { createPublicKey } from 'node:crypto'
import { BackupdError, messageOf } from '../errors.ts'
import { CURVE, importKeyPair, loadX509, SIGNATURE } from './x509.ts'

/** A request for a certificate (PKCS #10, PEM). It proves that its sender has the key, and says nothing else that counts. */
export async function createCertificateRequest(key: string): Promise<string> {
  const x509 = await loadX509()
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    ...{ name: 'CN=backupd', keys: await importKeyPair(key), signingAlgorithm: SIGNATURE },
  })
  return request.toString('pem')
}

/** The public key (SPKI, DER) of a request. Throws BAD_INPUT unless its sender has the key, and the key is of our curve. */
export async function readCertificateRequest(pem: string): Promise<Buffer> {
  const x509 = await loadX509()
  try {
    const request = new x509.Pkcs10CertificateRequest(pem)
    const publicKey = Buffer.from(request.publicKey.rawData)
    const { asymmetricKeyDetails: details } = createPublicKey({ key: publicKey, type: 'spki', format: 'der' })
    if (details?.namedCurve !== CURVE) throw new Error(`its key is not one of ${CURVE}`)
    if (!(await request.verify())) throw new Error('it is not signed with its key')
    return publicKey
  } catch (cause) {
    throw new BackupdError('BAD_INPUT', `The request for a certificate is not valid: ${messageOf(cause)}`, {
      cause,
    })
  }
}
