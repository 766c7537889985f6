-- AlterTable
ALTER TABLE "Backup" ADD COLUMN "clockDoubt" TEXT;
