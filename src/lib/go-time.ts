/** A time as the recorded system prints it: no zeros at the end of the fraction, none at all for a whole second. */
export function goTime(iso: string): string {
  return iso.replace(/\.(\d*?)0*Z$/, (_, digits: string) => (digits === '' ? 'Z' : `.${digits}Z`))
}
