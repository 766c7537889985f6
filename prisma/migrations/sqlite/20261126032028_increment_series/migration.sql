-- AlterTable
ALTER TABLE "Backup" ADD COLUMN "series" TEXT;
