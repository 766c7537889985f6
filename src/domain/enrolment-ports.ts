import type { IssuedCertificate } from '../wire/enrolment.ts'

/** A server whose daemon has, or had, a certificate. */
export interface Enrolment {
  ip: string
  /** Of the only key that counts; null: it was revoked. */
  keyHash: string | null
  /** ISO 8601. */
  enrolledAt: string
  /** When its newest certificate expires, ISO 8601. */
  expiresAt: string
  /** Fingerprint of the authority that certified it; undefined: an earlier version did. */
  authority?: string | undefined
  /** Fingerprints of the authorities that its daemon trusts, as it last said; undefined: it does not say, or not yet. */
  trusts?: readonly string[] | undefined
  /** Since when daemons of that server sign their backups, ISO 8601; undefined: they do not say, or not yet. */
  signsSince?: string | undefined
}

/** A join token that was given out. */
export interface Invitation {
  id: string
  /** Of its secret, SHA-256, hex. */
  hash: string
  ip: string
  /** It may take the place of an enrolled daemon. */
  replace: boolean
  /** ISO 8601. */
  expiresAt: string
  /** The key that has used it, and may use it again; null: none yet. */
  usedBy: string | null
}

export interface EnrolmentState {
  servers: readonly Enrolment[]
  invitations: readonly Invitation[]
}

export interface EnrolmentStore {
  load(): Promise<EnrolmentState>
  /** On disk when it resolves. */
  save(state: EnrolmentState): Promise<void>
}

/** Whether a daemon ever enrolled, kept apart from the list: what is lost with the list must not open plain HTTP again. */
export interface EnrolmentMark {
  readonly isSet: boolean
  /** For good; on disk when it resolves. */
  set(): Promise<void>
}

export interface KnownAuthority {
  /** SHA-256 of its certificate, hex. */
  fingerprint: string
  /** Unix ms. */
  createdAt: number
  expiresAt: number
}

/** What a daemon is certified with. */
export interface IssueRequest {
  ip: string
  /** SPKI, DER. */
  publicKey: Buffer
  /** It keeps several authorities, so that it may have a certificate of the newest. */
  knowsSeveral: boolean
}

/** The private authority that certifies daemons; during a rotation, the present one and the next one. */
export interface AuthorityPort {
  /** Those whose certificates count, the oldest first. The controller's own certificate is of the first, which all daemons know. */
  readonly known: readonly KnownAuthority[]
  /** Of the first. */
  readonly fingerprint: string
  /** PEM: all whose signatures in backups count, retired ones too. */
  readonly signing: readonly string[]
  /** Where daemons with a certificate reach this controller: `https://10.0.0.9:9004`; undefined: nowhere. */
  readonly url: string | undefined
  /** Makes the next authority; on disk when it resolves. */
  rotate(now: number): Promise<void>
  /** Drops the present authority for the next one; on disk when it resolves. */
  retire(now: number): Promise<void>
  /** The public key (SPKI, DER) of a request. Throws BAD_INPUT if the request is not valid. */
  readRequest(request: string): Promise<Buffer>
  issue(request: IssueRequest, now: number): Promise<{ issued: IssuedCertificate; authority: string }>
}
