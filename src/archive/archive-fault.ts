/**
 * What is wrong with an archive, found while it is read. It does not say where: explainUnpackError() adds the position
 * and makes a BackupdError of it.
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
