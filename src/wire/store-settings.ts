/** Which driver, and what it needs: plain data, so that it crosses to child processes. */
export type StoreSettings = { driver: 'local'; dir: string } | { driver: 'moosefs'; dir: string }
