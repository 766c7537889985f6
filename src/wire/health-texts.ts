import type { DataRoomTexts } from '../lib/data-room.ts'

// What lib/ cannot say, because it knows nothing of backups: sentences of problems that both programs report.

export const FULL_DISK_TEXTS: DataRoomTexts = {
  stops: 'No new backup starts',
  resumes: 'backups start again',
  remedy: 'Free some room, or shorten a retention time',
}

export const CLOCK_DOUBT_TEXT =
  'until it is trusted again, backups expire by the earlier of the two. Check NTP; if the clock is right, call the mutation confirmClock'
