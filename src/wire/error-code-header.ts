/** The header with the error code of a refused HTTP request, for programs. */
export const ERROR_CODE_HEADER = 'x-backupd-error-code'
