/** `::ffff:10.0.0.1` → `10.0.0.1` */
export function plainIp(ip: string): string {
  return ip.replace(/^::ffff:/, '')
}
