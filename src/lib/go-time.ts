/** Prints a time as Go and so the legacy system does: without trailing zeros or an empty fraction. */
export function goTime(iso: string): string {
  return iso.replace(/\.(\d*?)0*Z$/, (_, digits: string) => (digits === '' ? 'Z' : `.${digits}Z`))
}
