/**
 * What is wrong with an archive, found while it is read, without saying where: `unpackArchive` knows the place and
 * makes the error for people of it.
 */
export class ArchiveFault extends Error {
  readonly kind: 'corrupt' | 'unsafe'

  constructor(kind: 'corrupt' | 'unsafe', message: string) {
    super(message)
    this.name = 'ArchiveFault'
    this.kind = kind
  }
}

export function corrupt(message: string): ArchiveFault {
  return new ArchiveFault('corrupt', message)
}

export function unsafe(message: string): ArchiveFault {
  return new ArchiveFault('unsafe', message)
}
