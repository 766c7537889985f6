// How the legacy system names the backups of a volume: by the volume's path, with a suffix for its increments.

const INCREMENT_SUFFIX = '@increment'

export interface VolumeSource {
  /** Absolute path of the volume on its server. */
  source: string
  mode: 'full' | 'increment'
}

export function makeLegacySource({ source, mode }: VolumeSource): string {
  return mode === 'increment' ? `${source}${INCREMENT_SUFFIX}` : source
}

export function parseLegacySource(text: string): VolumeSource {
  if (!text.endsWith(INCREMENT_SUFFIX)) return { source: text, mode: 'full' }
  return { source: text.slice(0, -INCREMENT_SUFFIX.length), mode: 'increment' }
}
