/** Of a refusal over HTTP: its code, for programs. */
export const ERROR_CODE_HEADER = 'x-backupd-error-code'
