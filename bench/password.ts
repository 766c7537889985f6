/** Of the repositories here, ours and restic's: of the form that a store makes. */
export const PASSWORD = '0123456789abcdef'.repeat(4)
